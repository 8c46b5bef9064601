from __future__ import annotations

import pytest
from django.db import transaction
from django.utils import timezone

from ses_integration.conf import ses_config
from ses_integration.models import DomainSync
from ses_integration.reconcile import outbox, queue
from ses_integration.tests.fake_domains import DOMAIN, receive
from ses_integration.tests.ses_state import calls

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("rows")]


def test_a_mark_is_made_with_its_transaction_and_nudged_after_it(ses):
    receive("a")
    with transaction.atomic():
        outbox.mark_dirty(DOMAIN)
        assert ses.journal() == []
    assert "CreateReceiptRule" in calls(ses)
    assert not DomainSync.objects.get().pending


def test_a_second_mark_in_one_transaction_costs_no_statement(ses, django_assert_num_queries):
    with transaction.atomic():
        outbox.mark_dirty(DOMAIN)
        with django_assert_num_queries(0):
            outbox.mark_dirty(DOMAIN)
        assert outbox.generation(DOMAIN) == 1


def test_a_mark_that_a_savepoint_took_back_is_made_again(ses):
    with transaction.atomic():
        with transaction.atomic():
            outbox.mark_dirty(DOMAIN)
            transaction.set_rollback(True)
        outbox.mark_dirty(DOMAIN)
    assert outbox.generation(DOMAIN) == 1


def test_marks_are_taken_in_sorted_order_so_that_two_changes_cannot_deadlock(ses, django_capture_on_commit_callbacks):
    with transaction.atomic():
        outbox.mark_dirty("b.org", "a.org", "c.org")
    assert list(DomainSync.objects.order_by("pk").values_list("domain", flat=True)) == ["a.org", "b.org", "c.org"]


def test_domains_that_wait_since_the_same_moment_are_served_by_name(ses):
    for domain in ("b.org", "c.org", "a.org"):
        receive(domain=domain)
    DomainSync.objects.update(queued_at=timezone.now())
    assert list(queue.ready(ses_config()).values_list("domain", flat=True)) == ["a.org", "b.org", "c.org"]


def test_an_error_in_a_nudge_does_not_reach_whoever_committed(ses, settings):
    settings.SES_SPEC_PROVIDER = "ses_integration.tests.fake_domains.no_such_thing"
    with transaction.atomic():
        outbox.mark_dirty(DOMAIN)
    assert DomainSync.objects.get().pending


def test_all_nudges_of_one_commit_share_one_budget(ses, settings):
    settings.SES_REQUEST_BUDGET = 0.0
    receive("a", domain="a.org")
    receive("a", domain="b.org")
    with transaction.atomic():
        outbox.mark_dirty("a.org", "b.org")
    assert ses.journal() == []
