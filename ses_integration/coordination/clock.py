"""One clock for all processes and machines: the database's."""

from __future__ import annotations

import time
from datetime import datetime

from django.db import connection
from django.utils import timezone


def database_now() -> datetime:
    """The database's time. SQLite runs on this host, so its clock is ours and costs no statement."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


def release_connection() -> None:
    """Before a wait or a call to AWS. The next statement takes a connection from the pool again."""
    if not connection.in_atomic_block and "pool" in connection.settings_dict.get("OPTIONS", {}):
        connection.close()


def pause(seconds: float) -> None:
    release_connection()
    time.sleep(max(0.0, seconds))
