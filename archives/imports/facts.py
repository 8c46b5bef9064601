"""What an import creates and what it leaves to its owner, for command, API and admin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings

from archives.imports.configure import Configuration
from archives.imports.plan import Plan
from archives.imports.service import Prepared
from backoffice.text import listed, plural, size
from ses_integration.api import mail_source


def to_fill_in(configuration: Configuration, *, done: bool = True) -> list[str]:
    """A sentence for each thing that the archive does not have. `done`: it has been imported, else it would be."""
    plan = configuration.plan
    inactive = [
        f"Endpoint {endpoint.name} {'is' if done else 'will be'} inactive. {endpoint.inactive_reason}"
        for endpoint in configuration.endpoints.values()
        if endpoint.inactive_reason
    ]
    unrouted = f"No endpoint is known for {listed(plan.unrouted)}: choose one for each." if plan.unrouted else ""
    return [*inactive, *filter(None, [unrouted])]


def notes_on_mail() -> list[str]:
    """What becomes of imported mail that nobody may expect."""
    days = settings.MAIL_RETENTION_DAYS
    kept = f"Mail that has arrived more than {days:g} days ago is erased again (MAIL_RETENTION_DAYS)." if days else ""
    unread = "It is stored, but no worker reads it: MAIL_SOURCE is none." if mail_source() == "none" else ""
    return [*filter(None, [kept, unread])]


def foreseen(prepared: Prepared, *, exists: bool, with_mail: bool, done: bool = False) -> Iterator[str]:
    """What an import creates, for people. `exists`: the owner has the domain. `with_mail`: the archive's mail comes, too.

    `done`: it has been imported, else it would be.
    """
    plan, counts = prepared.plan, prepared.archive.manifest["counts"]
    if exists:
        yield f"{prepared.owner} has {plan.name} already: its configuration stays as it is."
    else:
        yield f"{plan.name} {'is' if done else 'would be'} imported for {prepared.owner}:"
        yield f"  {plural(len(plan.addresses), 'address')}, {plural(len(plan.blocked), 'blocked email')}"
        for endpoint in plan.endpoints:
            name, what = endpoint.values["name"], endpoint.values["type"]
            yield f"  endpoint {name} ({what}): {'the one that exists' if endpoint.reused else 'new'}"
        yield f"  catch-all: {'on' if plan.catch_all else 'off'}"
        yield from to_fill_in(prepared.configuration, done=done)
    if with_mail:
        most = "at most " if exists else ""
        yield f"  {most}{plural(counts['mails'], 'mail')} as history, {size(counts['mailBytes'])}"
        yield from (f"  {note}" for note in notes_on_mail())


def plan_values(plan: Plan) -> dict[str, Any]:
    """The plan as JSON."""
    return {
        "endpoints": [
            {
                "id": endpoint.id,
                "name": endpoint.values["name"],
                "type": endpoint.values["type"],
                "isReused": endpoint.reused,
            }
            for endpoint in plan.endpoints
        ],
        "addresses": len(plan.addresses),
        "blockedEmails": len(plan.blocked),
        "catchAllEndpointId": plan.catch_all,
        "mailFromLabel": plan.mail_from_label or None,
        "receiveDmarcEmails": plan.receives_dmarc,
    }
