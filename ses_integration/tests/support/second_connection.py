"""Stands in for another process that commits in the middle of a step: a second connection, without threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, connections
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
