"""The lock of a name, which whoever adds or restores a domain takes first."""

from __future__ import annotations

from django.db import connection

from domains.names import registrable


def lock_name(name: str) -> None:
    """Lock the registrable name until the transaction ends, because two users may be adding a domain and its subdomain.

    Only on PostgreSQL, because SQLite has a single writer.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [registrable(name)])
