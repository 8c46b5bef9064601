"""Renderings of an address's deletion plan: JSON for the API, sections for the admin, text for `plan_delete`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from addresses.deletion_plan.build import route_of
from addresses.deletion_plan.model import AddressPlan, FromDatabase, Route
from addresses.models import EmailAddress
from backoffice.text import Section, plural
from domains.deletion_plan import parts
from domains.deletion_plan.parts import Part

INACTIVE = "The address is inactive, so SES should already receive nothing for it."
CATCH_ALL = "The catch-all still receives mail for the address."
STAYS = "What stays"


def as_json(plan: AddressPlan) -> dict[str, Any]:
    """The answer to GET /email-addresses/{id}/deletion-plan, and to DELETE with `dry_run=true`."""
    database = plan.database
    return {
        "emailAddress": {"id": plan.subject.pk, "address": database.address, "isActive": database.active},
        "token": str(plan.token),
        "isCertain": plan.certain,
        **_ses(plan).members,
        **parts.calls(database.ses, plan.outside.ses_problem, plan.confirmed_at).members,
        **_stays(database).members,
    }


def as_sections(plan: AddressPlan) -> list[Section]:
    calls = parts.calls(plan.database.ses, plan.outside.ses_problem, plan.confirmed_at)
    return parts.as_sections([_ses(plan), calls, _stays(plan.database)])


def as_text(plan: AddressPlan) -> str:
    return parts.as_text(plan.database.address, as_sections(plan), certain=plan.certain)


def as_summary(address: EmailAddress) -> list[str]:
    """The most important consequences, without a plan, for many addresses. Makes no statement if their relations are fetched."""
    route = route_of(address)
    return [
        *([] if address.is_active else [INACTIVE]),
        _route_line(route) if route is None else f"{STAYS}: {_route_line(route)}",
        *([CATCH_ALL] if address.domain.receives_everything else []),
    ]


def _ses(plan: AddressPlan) -> Part:
    database, ses = plan.database, plan.database.ses
    lines = [
        *([] if database.active else [INACTIVE]),
        *(parts.rules_as_lines(ses) if ses.rules or database.active else []),
        *ses.problems,
        *([CATCH_ALL] if database.catch_all else []),
    ]
    return Part(parts.ses_title(plan.confirmed_at), lines, {"receiptRules": parts.rules_as_json(ses)})


def _stays(database: FromDatabase) -> Part:
    route = database.route
    members = {
        "domain": {
            "id": database.domain_id,
            "name": database.domain,
            "emailAddresses": database.other_addresses,
            "isCatchAllEnabled": database.catch_all,
        },
        "endpoint": route and {"id": route.id, "name": route.name, "type": route.type, "isActive": route.active},
        "dependentEndpoints": [
            {"id": use.id, "name": use.name, "type": use.type, **parts.names_as_json(use.names)}
            for use in database.dependants
        ],
        "isBlocked": database.blocked,
    }
    return Part(STAYS, _stays_lines(database), {"stays": members})


def _stays_lines(database: FromDatabase) -> Iterator[str]:
    yield _route_line(database.route)
    for use in database.dependants:
        yield f"Endpoint {use.name}: {'; '.join(parts.names_as_phrases(use.names))}."
    yield f"Domain {database.domain}, with {plural(database.other_addresses, 'other email address')} and the stored mail."
    if database.blocked:
        yield "The block on this address."


def _route_line(route: Route | None) -> str:
    if route is None:
        return "Its mail goes to no endpoint."
    return f"Endpoint {route.name}{'' if route.active else ' (inactive)'}, which receives its mail."
