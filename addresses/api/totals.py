"""The total of a list of addresses, from the counts that their domains have (docs/adr/0013-row-counts.md)."""

from __future__ import annotations

from django.db.models import F, Value
from django.db.models.expressions import Combinable

from domains.models import DomainQuerySet

# Which count to sum, by the values that `is_active` must have.
COUNTS: dict[frozenset[bool | None], str | Combinable] = {
    frozenset(): "address_count",
    frozenset({True}): "active_address_count",
    frozenset({False}): F("address_count") - F("active_address_count"),
    frozenset({True, False}): Value(0),
}


def total(domains: DomainQuerySet, *, active: bool | None, configured: bool | None, unconfigured: int) -> int:
    """The number of addresses of these domains that are active or not, and configured or not. None: both.

    `unconfigured`: how many of the active addresses are not configured.
    """
    like_active = domains.total(COUNTS[frozenset({active, configured} - {None})])
    if configured is None or active is False:
        return like_active
    return like_active - unconfigured if configured else like_active + unconfigured
