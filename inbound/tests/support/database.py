"""Emptying the test database between tests.

Django's `flush` truncates every table, emits `post_migrate` and closes the connection: that takes longer than most tests.
"""

from __future__ import annotations

from functools import cache

from django.db import connection, transaction

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
                cursor.execute(f"DELETE FROM {quoted[table]}")


@cache
def _tables() -> list[str]:
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return sorted(set(tables) - KEPT_TABLES)
