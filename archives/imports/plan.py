"""What an import of an archive would create. Pure: it takes the archive's rows and what the owner has already."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from archives.format.names import ADDRESSES, BLOCKED, DOMAIN, ENDPOINTS
from archives.format.reading.refusal import damaged, too_many
from endpoints.config_schema import SIZE_LIMIT
from rest.names.canonical import LABEL

Values = dict[str, Any]

# Rows of a list that are imported in one transaction. DNS is asked about each endpoint.
MOST_ROWS = {ENDPOINTS: 10_000, ADDRESSES: 100_000, BLOCKED: 100_000}
# By list and member, as the columns allow.
LONGEST = {ENDPOINTS: {"name": 255, "description": 1000, "secret": SIZE_LIMIT}, BLOCKED: {"reason": 500}}
# A token may have been added to what its owner has given, and `***` may be longer than what it hides.
MOST_CONFIG = 2 * SIZE_LIMIT


@dataclass(frozen=True, slots=True)
class PlannedEndpoint:
    """An endpoint of the archive. `reused`: the owner has it, with this id and type, and it stays as it is."""

    values: Values
    reused: bool

    @property
    def id(self) -> str:
        return str(self.values["id"])


@dataclass(frozen=True, slots=True)
class Plan:
    """`mail_from_label`: empty if the owner has not chosen one. `catch_all`: the archive's id of its endpoint, None if it is off.
    `unrouted`: addresses whose endpoint the archive does not have, so they get none."""

    name: str
    archive_id: str
    receives_dmarc: bool
    mail_from_label: str
    catch_all: str | None
    endpoints: tuple[PlannedEndpoint, ...]
    addresses: tuple[Values, ...]
    blocked: tuple[Values, ...]
    unrouted: tuple[str, ...]


def plan_of(domain: Values, rows: Mapping[str, Iterable[Values]], types: Mapping[str, str]) -> Plan:
    """The plan for a verified archive with this `domain.json` and these lists.

    `types`: those of the owner's endpoints by id. Raises Refused for what the reader does not look at.
    """
    endpoints = tuple(
        PlannedEndpoint(values, types.get(values["id"]) == values["type"])
        for values in _checked(rows[ENDPOINTS], ENDPOINTS, "id")
    )
    known = {endpoint.id for endpoint in endpoints}
    addresses = tuple(_checked(rows[ADDRESSES], ADDRESSES, "address"))
    blocked = tuple(_checked(rows[BLOCKED], BLOCKED, "emailAddress"))
    label = domain["mailFromLabel"] if domain["mailFromChosen"] else ""
    if label and not LABEL.fullmatch(label):
        raise damaged(DOMAIN, "has no mailFromLabel that can be read")
    catch_all = domain["catchAllEndpointId"] if domain["isCatchAllEnabled"] else None
    return Plan(
        name=domain["name"],
        archive_id=domain["id"],
        receives_dmarc=domain["receiveDmarcEmails"],
        mail_from_label=label,
        catch_all=catch_all if catch_all in known else None,
        endpoints=endpoints,
        addresses=addresses,
        blocked=blocked,
        unrouted=tuple(
            row["address"] for row in addresses if row["endpointId"] is not None and row["endpointId"] not in known
        ),
    )


def _checked(rows: Iterable[Values], name: str, key: str) -> Iterator[Values]:
    """The rows of a list, each once, with an id of their own, and none longer than the database takes."""
    seen: set[str] = set()
    ids: set[str] = set()
    most_rows = MOST_ROWS[name]
    for values in islice(rows, most_rows + 1):
        if values[key] in seen or values["id"] in ids:
            raise damaged(name, f"has {values[key]} twice")
        seen.add(values[key])
        ids.add(values["id"])
        if len(seen) > most_rows:
            raise too_many(f"rows in {name}", most_rows)
        for member, most in LONGEST.get(name, {}).items():
            if len(values.get(member) or "") > most:
                raise damaged(name, f"has a {member} that is too long")
        if _length(values.get("config")) > MOST_CONFIG:
            raise damaged(name, "has a config that is too long")
        yield values


def _length(value: Any) -> float:
    """Of the value as JSON."""
    try:
        return len(json.dumps(value))
    except RecursionError:
        return math.inf
