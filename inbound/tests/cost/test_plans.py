"""What is read with an index alone, in its order, or from a partial one: otherwise whole tables would be read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from domains.deletion.service import resume_deletions
from domains.models import DomainDeletion, Step
from inbound.tests.support.factories import MessageFactory
from mail.admin.deliveries import EventNoticeAdmin
from mail.models import Delivery, EventNotice

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db]


def plan_of(read: Callable[[], object]) -> str:
    """How PostgreSQL would run the only statement of `read` on a large table: empty ones are read whole."""
    with CaptureQueriesContext(connection) as captured:
        read()
    [statement] = captured.captured_queries
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off")
        cursor.execute(f"EXPLAIN {statement['sql']}")
        return "\n".join(line for (line,) in cursor.fetchall())


def test_an_index_has_the_bytes_of_a_domain():
    message = MessageFactory()
    with connection.cursor() as cursor:
        # As VACUUM leaves it. Before, rows are read for every index, and which one is chosen is chance.
        cursor.execute(
            "UPDATE pg_class SET relpages = 100, reltuples = 5000, relallvisible = 100 WHERE relname = 'mail_message'"
        )
    assert "Index Only Scan using messages_by_age" in plan_of(message.domain.messages.stored_bytes)


def test_notices_are_listed_in_the_order_of_an_index():
    plan = plan_of(lambda: list(EventNotice.objects.order_by(*EventNoticeAdmin.ordering)[:100]))
    assert "Scan Backward using notices_by_age" in plan
    assert "Sort" not in plan


def test_withdrawn_deliveries_of_deleted_domains_have_an_index_of_their_own():
    """From it a restore goes to the mail, or the other way, whichever is less."""
    assert "Scan using deliveries_to_resume" in plan_of(lambda: list(Delivery.objects.all().to_resume()))


def test_the_worker_passes_no_deletion_whose_grace_period_lasts():
    until = timezone.now() + timedelta(days=1)
    DomainDeletion.objects.bulk_create(
        DomainDeletion(domain_id=f"indm_{number}", name="example.com", restorable_until=until, rules=Step.DONE)
        for number in range(500)
    )
    with connection.cursor() as cursor:
        # Of empty tables, all indexes cost the same.
        cursor.execute("ANALYZE domains_domaindeletion")
    assert "Scan using deletions_to_do" in plan_of(resume_deletions)
