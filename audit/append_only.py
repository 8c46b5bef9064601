"""Triggers that refuse to change an entry of the log, to delete one before it is 90 days old, and to truncate the table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# AUDIT_DAYS is 0 or at least this (inbound/configuration/declared.py).
PROTECTED_DAYS = 90
TABLE = "audit_change"
REFUSAL = "The audit log is append-only."
WHEN = {
    "UPDATE": {"postgresql": "true", "sqlite": "1"},
    "DELETE": {
        "postgresql": f"OLD.at > now() - interval '{PROTECTED_DAYS} days'",
        # Both are text in UTC that begins with the date.
        "sqlite": f"OLD.at > datetime('now', '-{PROTECTED_DAYS} days')",
    },
}


def create(_: Any, editor: BaseDatabaseSchemaEditor) -> None:
    for statement in _statements(editor.connection.vendor):
        # None: the text is no template.
        editor.execute(statement, None)


def drop(_: Any, editor: BaseDatabaseSchemaEditor) -> None:
    on_postgresql = editor.connection.vendor == "postgresql"
    for event in (*WHEN, *(["TRUNCATE"] if on_postgresql else [])):
        editor.execute(f"DROP TRIGGER {_trigger(event)}{f' ON {TABLE}' if on_postgresql else ''}", None)
    if on_postgresql:
        editor.execute(f"DROP FUNCTION {TABLE}_refuse()", None)


def _statements(vendor: str) -> Iterator[str]:
    if vendor == "postgresql":
        yield (
            f"CREATE FUNCTION {TABLE}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'restrict_violation'; END $$"
        )
        # No trigger of a row sees it. `flush` truncates.
        yield (
            f"CREATE TRIGGER {_trigger('TRUNCATE')} BEFORE TRUNCATE ON {TABLE} FOR EACH STATEMENT "
            f"EXECUTE FUNCTION {TABLE}_refuse()"
        )
    for event, conditions in WHEN.items():
        start = f"CREATE TRIGGER {_trigger(event)} BEFORE {event} ON {TABLE} FOR EACH ROW"
        if vendor == "postgresql":
            yield f"{start} WHEN ({conditions[vendor]}) EXECUTE FUNCTION {TABLE}_refuse()"
        else:
            yield f"{start} WHEN {conditions[vendor]} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"


def _trigger(event: str) -> str:
    return f"{TABLE}_{event.lower()}"
