"""The statements of `note`, as SQL: many rows each, and the ORM would take longer than the database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Field, Model

from mail.models import Message, ReceivedEmail
from rest.ids import new_id

# Only these columns differ from row to row. All others have the default of their field.
MESSAGE = (
    "domain", "bucket", "ses_id", "key", "size", "source", "envelope_from", "spf", "dkim", "dmarc", "dmarc_policy", "spam",
    "virus", "arrived_at", "noted_at", "retry_at", "attempts", "subject", "from_address", "from_name", "rfc_id",
)  # fmt: skip
RECEIVED = ("id", "message", "domain", "owner", "recipient", "arrived_at")

MessageKey = tuple[str, str]
"""Domain id and SES message id."""


def live_domains(ids: Iterable[str]) -> tuple[dict[str, tuple[str, int]], datetime | None]:
    """Name and owner of the domains that are not being deleted, and the database's time, None if no domain is left.

    Locks them against the beginning of a deletion until the transaction ends, and lets others do the same.
    """
    wanted = sorted(set(ids))
    marks = ", ".join(["%s"] * len(wanted))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, name, owner_id, CURRENT_TIMESTAMP FROM domains_domain WHERE id IN ({marks})"  # noqa: S608
            f" AND deleting_since IS NULL ORDER BY id{_locking(' FOR SHARE')}",
            wanted,
        )
        found = cursor.fetchall()
    return {pk: (name, owner) for pk, name, owner, _ in found}, found[0][3] if found else None


def insert_messages(rows: Sequence[Mapping[str, Any]]) -> dict[MessageKey, int]:
    """Insert those that do not exist, and return their ids."""
    sql = (
        f"{_insert(Message, MESSAGE, rows)} ON CONFLICT (domain_id, ses_id) DO NOTHING RETURNING domain_id, ses_id, id"
    )
    return _by_key(sql, _values(Message, MESSAGE, rows))


class Existing(NamedTuple):
    """A message that exists. `deleted_for`: recipients that are not to get it again."""

    pk: int
    state: str
    deleted_for: frozenset[str]


def lock_messages(keys: Sequence[MessageKey]) -> dict[MessageKey, Existing]:
    """The messages that exist, locked until the transaction ends."""
    marks = ", ".join(["(%s, %s)"] * len(keys))
    sql = (
        f"SELECT domain_id, ses_id, id, state, deleted_for FROM mail_message WHERE (domain_id, ses_id) IN (VALUES {marks})"  # noqa: S608
        f" ORDER BY domain_id, ses_id{_locking(' FOR NO KEY UPDATE')}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [part for key in keys for part in key])
        # SQLite and Django's connections to PostgreSQL give JSON as text.
        return {
            (domain, ses_id): Existing(pk, state, frozenset(json.loads(deleted_for)))
            for domain, ses_id, pk, state, deleted_for in cursor.fetchall()
        }


def insert_received(rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert those that do not exist, and return how many that were."""
    rows = [{"id": new_id(), **row} for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_insert(ReceivedEmail, RECEIVED, rows)} ON CONFLICT (message_id, recipient) DO NOTHING",
            _values(ReceivedEmail, RECEIVED, rows),
        )
        return int(cursor.rowcount)


def _by_key(sql: str, values: Sequence[Any]) -> dict[MessageKey, int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return {(domain, ses_id): pk for domain, ses_id, pk in cursor.fetchall()}


def _locking(clause: str) -> str:
    # A transaction of SQLite is alone anyway.
    return clause if connection.vendor == "postgresql" else ""


def _insert(model: type[Model], names: Sequence[str], rows: Sequence[object]) -> str:
    columns, row, _ = _shape(model, tuple(names), connection.vendor)
    return f"INSERT INTO {model._meta.db_table} ({columns}) VALUES {', '.join([row] * len(rows))}"  # noqa: S608


def _values(model: type[Model], names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> list[Any]:
    fields = _fields(model, names)
    _, _, defaults = _shape(model, tuple(names), connection.vendor)
    values: list[Any] = []
    for row in rows:
        values += [field.get_db_prep_save(row[field.name], connection) for field in fields]
        values += defaults
    return values


def _fields(model: type[Model], names: Sequence[str]) -> list[Field[Any, Any]]:
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    return fields


@cache
def _shape(model: type[Model], names: tuple[str, ...], vendor: str) -> tuple[str, str, list[Any]]:
    """The columns, the placeholders of a row, and the values of the columns that are not in `names`."""
    given = _fields(model, names)
    others = [field for field in model._meta.concrete_fields if field not in given and not field.generated]
    others = [field for field in others if not (field.primary_key and not field.has_default())]
    columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in [*given, *others])
    row = ", ".join(["%s"] * (len(given) + len(others)))
    defaults = [field.get_db_prep_save(field.get_default(), connection) for field in others]
    return columns, f"({row})", defaults
