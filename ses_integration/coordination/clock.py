"""The database's clock, which all processes and hosts share, and pauses that do not hold a database connection."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q
from django.utils import timezone

# Clocks of hosts differ by less than this: SQLite has the host's.
AHEAD = timedelta(minutes=1)


def database_now() -> datetime:
    """The database's time, in one statement. SQLite runs in this process, so there it is the host's time."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


def written_ahead(field: str, now: datetime) -> Q:
    """Rows whose time is in the future: the clock was wrong then, or the database was restored on another host."""
    return Q(**{f"{field}__gt": now + AHEAD})


def release_connection() -> None:
    """Return the connection to the pool before a pause or a call to AWS. The next statement takes one again."""
    if not connection.in_atomic_block and "pool" in connection.settings_dict.get("OPTIONS", {}):
        connection.close()


def pause(seconds: float) -> None:
    """Sleep without holding a database connection."""
    release_connection()
    time.sleep(max(0.0, seconds))
