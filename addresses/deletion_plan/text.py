"""An address's deletion plan in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from addresses.deletion_plan.build import AddressPlan, FromDatabase
from backoffice.text import Section
from domains.deletion_plan.text import calls, filled, naming, number, rules, ses_title


def sections(plan: AddressPlan) -> list[Section]:
    database = plan.database
    parts: list[tuple[str, Iterable[str]]] = [
        (ses_title(plan.confirmed_at), _ses(database)),
        ("Calls to SES", calls(database.ses, database.ses_seconds, plan.outside.problem)),
        ("What stays", _stays(database)),
    ]
    return filled(parts)


def _ses(database: FromDatabase) -> Iterator[str]:
    if not database.active:
        yield "It is inactive, so SES is to receive nothing for it as it is."
    if database.ses.rules or database.active:
        yield from rules(database.ses.rules)
    yield from database.ses.problems
    if database.catch_all:
        yield "The catch-all goes on receiving mail for the address."


def _stays(database: FromDatabase) -> Iterator[str]:
    route = database.route
    if route is None:
        yield "Its mail goes to no endpoint."
    else:
        inactive = "" if route.active else ", which is inactive"
        yield f"Endpoint {route.name}{inactive}: its mail goes there."
    for it in database.dependants:
        yield f"Endpoint {it.name}: {'; '.join(naming(it.names))}."
    others = number(database.other_addresses, "other email address", "es")
    yield f"Domain {database.domain}, with {others} and the mail that is stored for it."
    if database.blocked:
        yield "The block of this address."
