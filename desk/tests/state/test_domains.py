"""A domain that has lost its DNS records receives nothing, which nobody notices by looking at mail."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from desk.state.read import read_state
from desk.state.values import Kind, Level
from desk.state.wording import facts
from domains.deletion.service import delete_domain
from inbound.tests.support.factories import DomainFactory, UserFactory

pytestmark = pytest.mark.sqlite

NOW = timezone.now()
VERIFIED_ONCE = {"verified_at": NOW - timedelta(days=9)}
LOST = {**VERIFIED_ONCE, "status": "failed", "unverified_since": NOW - timedelta(days=2), "status_reason": "Gone."}
NO_MX = {**VERIFIED_ONCE, "can_receive_emails": False, "missing_since": NOW - timedelta(days=1)}


@pytest.fixture(autouse=True)
def everything_else_is_fine(ses, alive) -> None:
    """No other finding."""


def told(owner=None) -> list[tuple[str, str, str, int]]:
    return [(one.subject, one.what, one.why, one.number) for one in read_state(owner).findings]


@pytest.mark.parametrize(
    ("lost", "why"), [(LOST, "Gone."), (NO_MX, "Its MX record is missing or names other servers.")]
)
def test_one_domain_needs_you_with_its_reason_and_its_page(transactional_db, lost, why):
    domain = DomainFactory(name="shop.example", **lost)
    [finding] = read_state().findings
    assert (finding.kind, finding.level, finding.page) == (Kind.DOMAIN, Level.NEEDS_YOU, ("domains.domain", domain.pk))
    assert told() == [("shop.example", "receives no mail: its DNS records are missing or wrong", why, 1)]


def test_several_domains_are_one_finding_with_their_list(transactional_db):
    for number in range(5):
        DomainFactory(name=f"shop{number}.example", **{**LOST, "unverified_since": NOW - timedelta(days=6 - number)})
    [finding] = read_state().findings
    assert (finding.page, finding.since) == (("domains.domain", ""), NOW - timedelta(days=6))
    why = "shop0.example, shop1.example, shop2.example and 2 more."
    assert told() == [("5 domains", "receive no mail: their DNS records are missing or wrong", why, 5)]
    assert read_state().by_kind[Kind.DOMAIN].number == 5


@pytest.mark.parametrize("since", ["unverified_since", "missing_since", "verified_at"])
def test_after_a_week_it_is_only_a_figure(transactional_db, since):
    unknown = {"verified_at": NOW - timedelta(days=8), "unverified_since": None, "can_receive_emails": False}
    DomainFactory(name="old.example", **unknown | {since: NOW - timedelta(days=8)})
    state = read_state()
    assert ([*state.findings], state.needs_you, state.mail.unreachable) == ([], False, 1)
    assert "; 1 domain without DNS records." in facts(state)[1]
    DomainFactory(name="new.example", **LOST)
    assert ([one.subject for one in read_state().findings], read_state().mail.unreachable) == (["new.example"], 2)


def test_its_cost_does_not_depend_on_the_number_of_domains(transactional_db):
    counts = []
    for number in (2, 10):
        for _ in range(number):
            DomainFactory(**LOST)
        with CaptureQueriesContext(connection) as found:
            read_state()
        counts.append(len(found))
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    "fine",
    [VERIFIED_ONCE, {"status": "pending"}, {"status": "failed"}, {**LOST, "deleting_since": NOW}],
    ids=["receives", "was never verified", "was given up", "is being deleted"],
)
def test_other_domains_are_no_finding(transactional_db, fine):
    DomainFactory(name="shop.example", **fine)
    assert [one for one in read_state().findings if one.kind is Kind.DOMAIN] == []


def test_an_owner_is_told_of_their_own_domains_only(transactional_db):
    DomainFactory(name="shop.example", **LOST)
    mine = DomainFactory(name="mine.example", **LOST)
    assert [subject for subject, *_ in told(mine.owner)] == ["mine.example"]
    assert told(UserFactory()) == []


def test_the_list_of_domains_can_be_filtered_by_it(admin_client):
    DomainFactory(name="fine.example", **VERIFIED_ONCE)
    for number in range(2):
        DomainFactory(name=f"shop{number}.example", **NO_MX)
    [finding] = read_state().findings
    home = admin_client.get("/admin/").content.decode()
    assert 'href="/admin/domains/domain/?receiving=no"' in home
    shown = admin_client.get("/admin/domains/domain/?receiving=no").content.decode()
    assert finding.number == 2
    assert "shop0.example" in shown
    assert "Verified, but without an MX record for SES" in shown
    assert "fine.example" not in shown


def test_a_change_that_waits_for_a_deleted_domain_is_called_a_deletion_and_has_the_page_of_its_report(
    ses, alive, settings
):
    settings.SES_REQUEST_BUDGET = 0.0
    domain = DomainFactory(name="shop.example")
    deletion = delete_domain(domain=domain, requested_by="me")
    [finding] = [one for one in read_state().findings if one.kind is Kind.SES_CHANGE]
    assert finding.what.startswith("deletion: ")
    assert finding.page == ("domains.domaindeletion", deletion.pk)
