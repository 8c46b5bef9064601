"""Another process that commits in the middle of a step of ours, without threads: a second connection, used in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ses_integration.tests import fake_domains


@contextmanager
def commits_once_the_rows_are_read(change: Callable[[], None]) -> Iterator[None]:
    """Right after the next look at the rows `change` is committed; at the end, if it has to wait for a lock of ours."""
    tried: list[bool] = []
    fake_domains.after_reading.append(lambda: tried.append(_at_once(change)))
    yield
    assert tried, "nobody has read the rows"
    if tried == [False]:
        change()


def _at_once(change: Callable[[], None]) -> bool:
    """Whether another connection could commit the change without waiting for us."""
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
