"""Waiting for locks in PostgreSQL."""

from __future__ import annotations

from django.db import connection


def a_transaction_waits_for_a_lock() -> bool:
    """Whether any transaction in this database is waiting for a lock."""
    return transactions_that_wait_for_a_lock() > 0


def transactions_that_wait_for_a_lock() -> int:
    """How many transactions in this database are waiting for a lock."""
    with connection.cursor() as cursor:
        # A transaction keeps the list of connections that it has seen first, also when others connect later.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity "
            "WHERE datname = current_database())"
        )
        return int(cursor.fetchone()[0])
