from __future__ import annotations

import pytest
from django.db import transaction
from django.utils import timezone

from ses_integration import marks
from ses_integration.config import ses_config
from ses_integration.models import DomainMark
from ses_integration.tests.rows import DOMAIN, receive
from ses_integration.tests.seen import calls

pytestmark = pytest.mark.usefixtures("rows")


def test_a_mark_is_made_with_its_transaction_and_nudged_after_it(ses):
    receive("a")
    with transaction.atomic():
        marks.mark(DOMAIN)
        assert ses.journal() == []
    assert "CreateReceiptRule" in calls(ses)
    assert not DomainMark.objects.get().owed


def test_a_second_mark_in_one_transaction_costs_no_statement(ses, django_assert_num_queries):
    with transaction.atomic():
        marks.mark(DOMAIN)
        with django_assert_num_queries(0):
            marks.mark(DOMAIN)
        assert marks.generation(DOMAIN) == 1


def test_a_mark_that_a_savepoint_took_back_is_made_again(ses):
    with transaction.atomic():
        with transaction.atomic():
            marks.mark(DOMAIN)
            transaction.set_rollback(True)
        marks.mark(DOMAIN)
    assert marks.generation(DOMAIN) == 1


def test_marks_are_taken_in_sorted_order_so_that_two_changes_cannot_deadlock(ses, django_capture_on_commit_callbacks):
    with transaction.atomic():
        marks.mark("b.org", "a.org", "c.org")
    assert list(DomainMark.objects.order_by("pk").values_list("domain", flat=True)) == ["a.org", "b.org", "c.org"]


def test_domains_that_wait_since_the_same_moment_are_served_by_name(ses):
    for domain in ("b.org", "c.org", "a.org"):
        receive(domain=domain)
    DomainMark.objects.update(waiting_since=timezone.now())
    assert list(marks.waiting(ses_config()).values_list("domain", flat=True)) == ["a.org", "b.org", "c.org"]


def test_an_error_in_a_nudge_does_not_reach_whoever_committed(ses, settings):
    settings.SES_RECEIVING_PROVIDER = "ses_integration.tests.rows.no_such_thing"
    with transaction.atomic():
        marks.mark(DOMAIN)
    assert DomainMark.objects.get().owed


def test_all_nudges_of_one_commit_share_one_budget(ses, settings):
    settings.SES_REQUEST_BUDGET = 0.0
    receive("a", domain="a.org")
    receive("a", domain="b.org")
    with transaction.atomic():
        marks.mark("a.org", "b.org")
    assert ses.journal() == []
