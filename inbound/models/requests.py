"""How many requests each key has made in its latest minute."""

from __future__ import annotations

from django.db import connection, models

from inbound.models.api_keys import ApiKey

# A process whose clock is behind must not bring back the minute before. A minute that is further ahead is that of a wrong clock.
ADD = """
INSERT INTO {table} (key_id, minute, requests) VALUES (%s, %s, %s)
ON CONFLICT (key_id) DO UPDATE SET
  requests = CASE
    WHEN {table}.minute = excluded.minute THEN {table}.requests + excluded.requests
    WHEN {table}.minute = excluded.minute + 1 THEN {table}.requests
    ELSE excluded.requests
  END,
  minute = CASE WHEN {table}.minute = excluded.minute + 1 THEN {table}.minute ELSE excluded.minute END
RETURNING CASE WHEN minute = %s THEN requests ELSE 0 END, {now}
"""
# SQLite has the clock of the process.
NOW = {"postgresql": "CAST(EXTRACT(EPOCH FROM statement_timestamp()) AS float8)"}


class KeyRequests(models.Model):
    """The requests of a key in one minute, counted since 1970. Only written if there is a limit."""

    key = models.OneToOneField(
        ApiKey, primary_key=True, on_delete=models.CASCADE, related_name="+", db_constraint=False
    )
    minute = models.BigIntegerField()
    requests = models.BigIntegerField()


def add_requests(key_id: int, minute: int, requests: int) -> tuple[int, float | None]:
    """Add requests of a minute to the key's row. One statement.

    Returns how many all processes have added, and the database's time, in seconds since 1970, if it has a clock of its own.
    """
    sql = ADD.format(table=KeyRequests._meta.db_table, now=NOW.get(connection.vendor, "NULL"))
    with connection.cursor() as cursor:
        cursor.execute(sql, [key_id, minute, requests, minute])
        total, now = cursor.fetchone()
    return total, now
