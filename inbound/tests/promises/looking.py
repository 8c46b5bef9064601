"""What a customer could see: whose mail SES receives, and what happened in which order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from addresses.models import BlockedEmail, EmailAddress
from domains.models import DnsRecord, Domain
from inbound.tests.support.aws import calls, rules
from ses_integration.emulator.server import Emulator

TABLES = {model._meta.db_table: model.__name__ for model in (BlockedEmail, EmailAddress, DnsRecord, Domain)}


def taken(ses: Emulator, address: str) -> bool:
    """Whether some rule takes mail for the address: it names the address or its domain, or nothing and so everything."""
    domain = address.rpartition("@")[2]
    return any(not recipients or recipients & {address, domain} for recipients in rules(ses).values())


@contextmanager
def in_order(ses: Emulator) -> Iterator[list[str]]:
    """Calls to SES and the models whose rows went, as they happen; those of this thread's connection."""
    events: list[str] = []
    ses.clear_journal()

    def calls_so_far() -> None:
        seen = sum(event not in TABLES.values() for event in events)
        events.extend(calls(ses)[seen:])

    def note(execute: Any, statement: str, parameters: Any, many: bool, context: dict[str, Any]) -> Any:
        result = execute(statement, parameters, many, context)
        model = TABLES.get(statement.split()[2].strip('"')) if statement.startswith("DELETE FROM") else None
        if model and context["cursor"].rowcount:
            calls_so_far()
            events.append(model)
        return result

    with connection.execute_wrapper(note):
        yield events
    calls_so_far()
