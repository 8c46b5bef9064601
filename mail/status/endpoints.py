"""Endpoints that do not take their mail, or have dead deliveries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from django.contrib.auth.base_user import AbstractBaseUser as User
from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from endpoints.models import Endpoint
from mail.models import Delivery, EndpointGate

_READ = [
    *("name", "type", "is_active", "inactive_reason", "updated_at"),
    *(f"gate__{name}" for name in ("failures", "not_before", "is_slow", "down_since", "problem")),
]


class Trouble(StrEnum):
    """Why an endpoint gets nothing, or little: the words of `Endpoint.health`."""

    # It has failed so often that only one delivery at a time is tried.
    DOWN = "down"
    FAILING = "failing"
    # Inbound itself has switched it off, because of what it answered.
    SWITCHED_OFF = "switched off"
    # Somebody else has, and mail waits for it.
    INACTIVE = "inactive"
    # It takes its mail, but has dead deliveries.
    NONE = "active"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class TroubledEndpoint:
    """An endpoint that does not take its mail, or has not. `failures`: in a row. `waiting`: deliveries that are due.

    `since`: when it began to fail, or was last changed if it is not active.
    """

    id: str
    name: str
    type: str
    trouble: Trouble
    waiting: int
    dead: int = 0
    failures: int = 0
    since: datetime | None = None
    next_try: datetime | None = None
    problem: str = ""


def troubled_endpoints(
    waiting: Mapping[str, int], dead: Mapping[str, int], owner: User | None = None
) -> list[TroubledEndpoint]:
    """Those with most deliveries to be made first. `waiting`, `dead`: how many each has. With `owner`, only theirs."""
    some = Endpoint.objects.all() if owner is None else Endpoint.objects.owned_by(owner)
    rows = some.filter(
        Q(pk__in=dead)
        | Q(is_active=True, gate__down_since__isnull=False)
        | Q(is_active=False) & (~Q(inactive_reason="") | Q(pk__in=waiting))
    )
    # An outage may leave thousands in trouble, whose configs would be read in vain.
    rows = rows.select_related("gate").only(*_READ)
    found = [_troubled(row, waiting.get(row.pk, 0), dead.get(row.pk, 0)) for row in rows]
    return sorted(found, key=lambda one: (-one.waiting, one.name, one.id))


def waiting_for(endpoint: str) -> Coalesce:
    """An expression: how many deliveries are due for the endpoint that the column names."""
    due = Delivery.objects.live().due().filter(endpoint=OuterRef(endpoint)).order_by().values("endpoint")
    return Coalesce(Subquery(due.annotate(n=Count("pk")).values("n")), 0)


def _troubled(row: Endpoint, waiting: int, dead: int) -> TroubledEndpoint:
    gate = getattr(row, "gate", None) or EndpointGate()
    found = TroubledEndpoint(row.pk, row.name, row.type, Trouble(row.health), waiting, dead)
    if not row.is_active:
        return replace(found, since=gate.down_since or row.updated_at, problem=row.inactive_reason)
    return replace(found, failures=gate.failures, since=gate.down_since, next_try=gate.not_before, problem=gate.problem)
