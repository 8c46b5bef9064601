from __future__ import annotations

import pytest
from django.db import transaction
from django.utils import timezone

from ses_integration.conf import ses_config
from ses_integration.models import DomainSync
from ses_integration.reconcile import outbox, queue
from ses_integration.reconcile.loop import reconcile
from ses_integration.tests.support.fake_domains import DOMAIN, receive
from ses_integration.tests.support.ses_state import calls

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("rows")]


def test_dirty_domain_is_reconciled_after_the_commit(ses):
    receive("a")
    with transaction.atomic():
        outbox.mark_dirty(DOMAIN)
        assert ses.journal() == []
    assert "CreateReceiptRule" in calls(ses)
    assert not DomainSync.objects.get().pending


def test_marking_again_in_a_transaction_takes_no_statement(ses, django_assert_num_queries):
    with transaction.atomic():
        outbox.mark_dirty(DOMAIN)
        with django_assert_num_queries(0):
            outbox.mark_dirty(DOMAIN)
        assert outbox.generation(DOMAIN) == 1


def test_domain_is_marked_again_after_a_savepoint_rolled_back(ses):
    with transaction.atomic():
        with transaction.atomic():
            outbox.mark_dirty(DOMAIN)
            transaction.set_rollback(True)
        outbox.mark_dirty(DOMAIN)
    assert outbox.generation(DOMAIN) == 1


def listed() -> list[str]:
    """The generations and slots that the change log lists, or nothing if it is void."""
    return DomainSync.objects.get().change_log.split()[1:]


@pytest.fixture
def settled(ses):
    receive("a")
    reconcile(DOMAIN)


@pytest.mark.parametrize(
    ("slots", "expected"),
    [
        ([3], ["2:3"]),
        ([3, 3], ["2:3"]),
        ([3, 4], []),
        ([3, 4, 3], []),
        ([3, None], []),
        ([None, 3], []),
        ([None], []),
    ],
    ids=str,
)
def test_mark_lists_the_slot_if_a_transaction_changes_no_other(settled, slots, expected):
    with transaction.atomic():
        for slot in slots:
            outbox.mark_dirty(DOMAIN, slot=slot)
        assert listed() == expected
        assert outbox.generation(DOMAIN) == 2


@pytest.mark.parametrize(
    ("slot", "row", "expected"), [(3, "a", ["2:3"]), (4, "a", []), (3, "b", []), (None, "a", []), (None, None, [])]
)
def test_uncertain_slot_is_covered_by_a_mark_of_the_same_row_and_slot(settled, slot, row, expected):
    with transaction.atomic():
        outbox.mark_dirty(DOMAIN, slot=3, row="a")
        outbox.mark_dirty(DOMAIN, slot=slot, row=row, certain=False)
        assert listed() == expected


def test_uncertain_slot_is_not_listed(settled):
    with transaction.atomic():
        outbox.mark_dirty(DOMAIN, slot=3, certain=False)
        outbox.mark_dirty(DOMAIN, slot=3)
        assert listed() == []


def test_slots_are_listed_until_a_change_lists_none(settled):
    for slot in (3, 4):
        receive("a", slot=slot)
    assert listed() == ["2:3", "3:4"]
    receive("a")
    receive("a", slot=5)
    assert listed() == []
    reconcile(DOMAIN)
    receive("a", slot=6)
    assert listed() == ["6:6"]


def test_no_slot_is_listed_before_the_domain_was_settled_for_the_first_time(ses):
    for _ in range(2):
        receive("a", slot=3)
        assert DomainSync.objects.get().change_log == ""


def test_slot_stays_listed_if_the_change_of_another_is_rolled_back(settled):
    with transaction.atomic():
        outbox.mark_dirty(DOMAIN, slot=3)
        with transaction.atomic():
            outbox.mark_dirty(DOMAIN, slot=4)
            transaction.set_rollback(True)
        assert listed() == ["2:3"]
        outbox.mark_dirty(DOMAIN, slot=4)
        assert listed() == []


def test_changes_of_two_slots_in_a_transaction_are_reconciled_together(ses):
    receive("a", "b", "c")
    reconcile(DOMAIN)
    ses.clear_journal()
    receive("d", "e", "c", slot=None)
    with transaction.atomic():
        for slot in (0, 1):
            outbox.mark_dirty(DOMAIN, slot=slot)
    assert calls(ses) == ["UpdateReceiptRule"]


def test_domains_are_marked_in_the_order_of_their_names(ses, django_capture_on_commit_callbacks):
    with transaction.atomic():
        outbox.mark_dirty("b.org", "a.org", "c.org")
    assert list(DomainSync.objects.order_by("pk").values_list("domain", flat=True)) == ["a.org", "b.org", "c.org"]


def test_domains_queued_at_the_same_time_are_served_in_the_order_of_their_names(ses):
    for domain in ("b.org", "c.org", "a.org"):
        receive(domain=domain)
    DomainSync.objects.update(queued_at=timezone.now())
    assert list(queue.ready(ses_config()).values_list("domain", flat=True)) == ["a.org", "b.org", "c.org"]


def test_error_in_the_drain_does_not_reach_the_caller(ses, settings):
    settings.SES_SPEC_PROVIDER = "ses_integration.tests.support.fake_domains.no_such_thing"
    # The drain repeats a failed pass until its budget is spent.
    settings.SES_REQUEST_BUDGET = 0.5
    with transaction.atomic():
        outbox.mark_dirty(DOMAIN)
    assert DomainSync.objects.get().pending


def test_drains_of_one_commit_share_a_deadline(ses, settings):
    settings.SES_REQUEST_BUDGET = 0.0
    receive("a", domain="a.org")
    receive("a", domain="b.org")
    with transaction.atomic():
        outbox.mark_dirty("a.org", "b.org")
    assert ses.journal() == []
