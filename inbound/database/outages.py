"""Tell an outage of the database from a mistake in a statement."""

from __future__ import annotations

from django.db import InterfaceError, InternalError, OperationalError

# Not OperationalErrors of psycopg: a connection that idled in a transaction for too long, and a server that has become a
# read-only replica (https://www.postgresql.org/docs/current/errcodes-appendix.html).
PASSING_STATES = ("25P03", "25006")
# `Retry-After` of an answer that the database was away.
RETRY_SECONDS = "2"


def is_outage(error: BaseException | None) -> bool:
    """Whether the database could not be used, and another attempt may succeed. Not for a missing table, for example."""
    if isinstance(error, InterfaceError | OperationalError):
        # SQLite's code for everything that is wrong with a statement.
        return getattr(error.__cause__, "sqlite_errorname", "") != "SQLITE_ERROR"
    return isinstance(error, InternalError) and getattr(error.__cause__, "sqlstate", "") in PASSING_STATES
