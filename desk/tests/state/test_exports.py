"""An export that is stalled or has failed needs somebody."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from archives.models import Export
from desk.state import read
from desk.state.read import read_state
from desk.state.values import Kind, Level
from domains.models import Domain
from inbound.tests.support.admin_site import text, url
from inbound.tests.support.factories import DomainFactory, UserFactory

pytestmark = pytest.mark.sqlite

State = Export.State
REFUSED = "AWS does not allow s3:PutObject."


def an_export(domain: Domain, **values: object) -> Export:
    known = {"domain": domain, "domain_name": domain.name, "account": domain.owner, "bucket": "mail"}
    return Export.objects.create(**known | values)


@pytest.mark.parametrize("values", [{}, {"state": State.RUNNING}, {"state": State.READY}, {"state": State.EXPIRED}])
def test_one_that_goes_on_or_is_complete_needs_nobody(ses, alive, values):
    an_export(DomainFactory(), **values)
    assert read_state().findings == []


@pytest.mark.parametrize(
    ("values", "what", "act"),
    [
        ({"state": State.RUNNING, "stalled": True}, "its export does not go on", "It then goes on by itself."),
        ({"state": State.FAILED, "retry_at": None}, "its export has failed", "export the domain again."),
        ({"state": State.ERASING, "ended": State.FAILED}, "its export has failed", "export the domain again."),
    ],
)
def test_one_that_is_stalled_or_has_failed_is_a_finding(ses, alive, admin_client: Client, values, what, act):
    domain = DomainFactory()
    export = an_export(domain, problem=REFUSED, **values)
    [finding] = read_state(domain.owner).findings
    assert [finding] == read_state().findings
    assert (finding.kind, finding.level, finding.subject) == (Kind.EXPORT, Level.NEEDS_YOU, domain.name)
    assert (finding.what, finding.why, finding.page) == (what, REFUSED, ("archives.export", export.pk))
    assert finding.act.endswith(act)
    assert not read_state(UserFactory()).findings
    desk = admin_client.get("/admin/")
    assert url("archives.export", "change", export.pk) in desk.content.decode()
    assert REFUSED in text(desk)


def test_one_that_was_asked_for_again_or_whose_domain_is_gone_needs_nobody(ses, alive):
    again, gone = DomainFactory(), DomainFactory()
    an_export(again, state=State.FAILED)
    Export.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    an_export(again)
    an_export(gone, state=State.ERASING, ended=State.FAILED, domain_gone=True)
    assert read_state().findings == []


def test_they_are_counted_beyond_those_that_are_listed(ses, alive, monkeypatch):
    monkeypatch.setattr(read, "MOST", 2)
    for _ in range(3):
        an_export(DomainFactory(), state=State.FAILED)
    state = read_state()
    assert len(state.findings) == 2
    assert state.by_kind[Kind.EXPORT].number == 3
