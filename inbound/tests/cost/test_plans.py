"""What pages of the admin read with an index alone, or in its order: otherwise they would read whole tables."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inbound.tests.support.factories import DomainFactory
from mail.admin.deliveries import EventNoticeAdmin
from mail.models import EventNotice

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db]


def plan_of(read: Callable[[], object], *off: str) -> str:
    """How PostgreSQL would run the only statement of `read` on a large table: empty ones are read whole.

    `off`: settings of further ways that it may not take.
    """
    with CaptureQueriesContext(connection) as captured:
        read()
    [statement] = captured.captured_queries
    with connection.cursor() as cursor:
        for way in ("enable_seqscan", "enable_bitmapscan", "enable_sort", *off):
            cursor.execute(f"SET LOCAL {way} = off")
        cursor.execute(f"EXPLAIN {statement['sql']}")
        return "\n".join(line for (line,) in cursor.fetchall())


def test_an_index_has_the_bytes_of_a_domain():
    assert "Index Only Scan using messages_by_age" in plan_of(
        # Of an empty table, the rows are as near as the index.
        DomainFactory().messages.stored_bytes,
        "enable_indexscan",
    )


def test_notices_are_listed_in_the_order_of_an_index():
    plan = plan_of(lambda: list(EventNotice.objects.order_by(*EventNoticeAdmin.ordering)[:100]))
    assert "Scan Backward using notices_by_age" in plan
    assert "Sort" not in plan
