"""The total of a list of addresses, from the counts that their domains have (docs/adr/0013-row-counts.md)."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import F, Value
from django.db.models.expressions import Combinable

from addresses.models import EmailAddressQuerySet
from domains.models import DomainQuerySet

# By the values that `is_active` must have.
COUNTS: dict[frozenset[bool | None], str | Combinable] = {
    frozenset(): "address_count",
    frozenset({True}): "active_address_count",
    frozenset({False}): F("address_count") - F("active_address_count"),
    frozenset({True, False}): Value(0),
}


def total(
    rows: EmailAddressQuerySet,
    domains: DomainQuerySet,
    *,
    active: bool | None,
    configured: bool | None,
    behind: Sequence[str] | None = (),
) -> int:
    """The number of `rows`, which are the addresses of `domains` that are active and configured, or not.

    `behind`: names of the domains that SES may not follow, None for any. All others have their active addresses configured.
    """
    if configured is not None and behind is None:
        return rows.count()
    count = COUNTS[frozenset({active, configured} - {None})]
    if configured is None or not behind:
        return domains.total(count)
    return domains.exclude(name__in=behind).total(count) + rows.filter(domain__name__in=behind).count()
