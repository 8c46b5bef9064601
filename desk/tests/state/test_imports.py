"""An import of mail that is stalled or has failed needs somebody."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from archives.models import Export, Import
from desk.state import read
from desk.state.read import read_state
from desk.state.values import Kind, Level
from domains.models import Domain
from inbound.tests.support.admin_site import text, url
from inbound.tests.support.factories import DomainFactory, UserFactory

pytestmark = pytest.mark.sqlite

State = Import.State
REFUSED = "AWS does not allow s3:PutObject."


def an_import(domain: Domain, **values: object) -> Import:
    known = {"domain": domain, "domain_name": domain.name, "account": domain.owner, "bucket": "mail"}
    return Import.objects.create(**known | values)


@pytest.mark.parametrize("state", [State.STORING, State.PENDING, State.RUNNING, State.DONE])
def test_one_that_goes_on_or_is_done_needs_nobody(ses, alive, state):
    an_import(DomainFactory(), state=state)
    assert read_state().findings == []


@pytest.mark.parametrize(
    ("values", "what", "act"),
    [
        ({"state": State.RUNNING, "stalled": True}, "the import of its mail does not go on", "goes on by itself."),
        ({"state": State.FAILED}, "the import of its mail has failed", "import the same file again."),
        (
            {"state": State.ERASING, "ended": State.FAILED},
            "the import of its mail has failed",
            "import the same file again.",
        ),
    ],
)
def test_one_that_is_stalled_or_has_failed_is_a_finding(ses, alive, admin_client: Client, values, what, act):
    domain = DomainFactory()
    row = an_import(domain, problem=REFUSED, **values)
    [finding] = read_state(domain.owner).findings
    assert [finding] == read_state().findings
    assert (finding.kind, finding.level, finding.subject) == (Kind.IMPORT, Level.NEEDS_YOU, domain.name)
    assert (finding.what, finding.why, finding.page) == (what, REFUSED, ("archives.import", row.pk))
    assert finding.act.endswith(act)
    assert not read_state(UserFactory()).findings
    desk = admin_client.get("/admin/")
    assert url("archives.import", "change", row.pk) in desk.content.decode()
    assert REFUSED in text(desk)


def test_one_that_was_sent_again_or_whose_domain_is_gone_needs_nobody(ses, alive):
    again, gone = DomainFactory(), DomainFactory()
    an_import(again, state=State.FAILED)
    Import.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    an_import(again)
    an_import(gone, state=State.FAILED)
    gone.delete()
    assert Kind.IMPORT not in {finding.kind for finding in read_state().findings}


def test_both_kinds_are_listed_and_counted_however_many_there_are_of_one(ses, alive, monkeypatch):
    monkeypatch.setattr(read, "MOST", 2)
    for _ in range(3):
        an_import(DomainFactory(), state=State.FAILED)
    domain = DomainFactory()
    Export.objects.create(domain=domain, domain_name=domain.name, account=domain.owner, state="failed")
    state = read_state()
    assert {finding.kind for finding in state.findings} == {Kind.IMPORT, Kind.EXPORT}
    assert (state.by_kind[Kind.IMPORT].number, state.by_kind[Kind.EXPORT].number) == (3, 1)
