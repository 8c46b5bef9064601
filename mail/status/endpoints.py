"""Endpoints that do not take their mail, or have dead deliveries."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser as User
from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from endpoints.models import Endpoint
from mail.models import Delivery, EndpointGate


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


def troubled_endpoints(dead: dict[str, int], owner: User | None = None) -> list[TroubledEndpoint]:
    """Those with most waiting deliveries first. `dead`: how many dead ones each has. With `owner`, only theirs."""
    some = Endpoint.objects.all() if owner is None else Endpoint.objects.owned_by(owner)
    rows = some.annotate(waiting=waiting_for("pk")).filter(
        Q(pk__in=dead)
        | Q(is_active=True, gate__down_since__isnull=False)
        | Q(is_active=False) & (~Q(inactive_reason="") | Q(waiting__gt=0))
    )
    found: list[Any] = list(rows.select_related("gate").order_by("-waiting", "name", "pk"))
    return [_troubled(row, row.waiting, dead.get(row.pk, 0)) for row in found]


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
