from __future__ import annotations

import pytest
from django.db import transaction
from django.utils import timezone

from ses_integration.conf import ses_config
from ses_integration.models import DomainSync
from ses_integration.reconcile import outbox, queue
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
