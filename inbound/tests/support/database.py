"""Emptying the test database between tests.

Django's `flush` truncates every table, emits `post_migrate` and closes the connection: that takes longer than most tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from audit import append_only

# What `migrate` writes and no test changes.
KEPT_TABLES = {"django_content_type", "django_migrations"}


def empty_tables() -> None:
    """Delete every row that a test has committed, in any thread or process: the tables themselves are asked."""
    quoted = {table: connection.ops.quote_name(table) for table in _tables()}
    used = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {name})" for table, name in quoted.items())
    with connection.cursor() as cursor:
        cursor.execute(used)
        tables = [table for (table,) in cursor.fetchall()]
        if not tables:
            return
        # Django's foreign keys are checked when the transaction ends, so the order of the tables does not matter.
        with transaction.atomic():
            for table in tables:
                with _without_triggers(cursor, table):
                    cursor.execute(f"DELETE FROM {quoted[table]}")


@contextmanager
def _without_triggers(cursor: CursorWrapper, table: str) -> Iterator[None]:
    """The audit log refuses a deletion otherwise (`audit/append_only.py`)."""
    if table != append_only.TABLE:
        yield
    elif connection.vendor == "postgresql":
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield
        cursor.execute("SET LOCAL session_replication_role = origin")
    else:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [table])
        triggers = cursor.fetchall()
        for name, _ in triggers:
            cursor.execute(f"DROP TRIGGER {name}")
        yield
        for _, sql in triggers:
            cursor.execute(sql)


@cache
def _tables() -> list[str]:
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return sorted(set(tables) - KEPT_TABLES)
