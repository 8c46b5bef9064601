"""Stands in for another process that commits in the middle of a step, or holds a lock: a second connection, without threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

from ses_integration.tests.support import fake_domains


@contextmanager
def commits_once_the_rows_are_read(change: Callable[[], None]) -> Iterator[None]:
    """Commit `change` right after the rows are read next, or at the end if it would have to wait for a lock."""
    committed: list[bool] = []
    fake_domains.after_reading.append(lambda: committed.append(_commit_without_waiting(change)))
    yield
    assert committed, "The rows were not read."
    if committed == [False]:
        change()


def _commit_without_waiting(change: Callable[[], None]) -> bool:
    """Commit the change in another connection. Returns False if it would have to wait for us."""
    ours = connections["default"]
    other = ours.copy()
    connections["default"] = other
    try:
        _never_wait()
        change()
    except OperationalError:
        return False
    finally:
        connections["default"] = ours
        # Not close(), which SQLite's wrapper ignores for a database in memory.
        BaseDatabaseWrapper.close(other)
    return True


def _never_wait() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET lock_timeout = '1ms'")
        else:
            cursor.execute("PRAGMA busy_timeout = 0")


@contextmanager
def locked_elsewhere(row: models.Model) -> Iterator[None]:
    """Another connection has locked the row, as a transaction that changes it does. PostgreSQL only."""
    other = connections["default"].copy()
    other.set_autocommit(False)
    with other.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM {row._meta.db_table} WHERE id = %s FOR UPDATE", [row.pk])
    try:
        yield
    finally:
        other.rollback()
        BaseDatabaseWrapper.close(other)
