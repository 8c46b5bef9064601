"""What the rows say, and what SES should hold for them. A second implementation, independent of `ses_integration.plan.compile`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from django.conf import settings
from django.db.models import QuerySet

from domains.models import Domain
from ses_integration.models import LedgerEntry
from ses_integration.plan.resources import ResourceKind


@dataclass(frozen=True)
class HeldRule:
    """A receipt rule, desired or observed."""

    recipients: frozenset[str]
    key_prefix: str


@dataclass
class TrackedDomain:
    """The state of a domain that follows from the API calls so far. `addresses` maps each address to whether it is active."""

    owner: int
    pk: str
    addresses: dict[str, bool] = field(default_factory=dict)
    catch_all: str | None = None
    # Deleted addresses with a tombstone, by what they were.
    tombstones: dict[str, bool] = field(default_factory=dict)


@dataclass
class Held:
    """A deleted domain as it would be restored, and the id of its report. `over`: its grace period has ended, but nobody has
    ended it yet."""

    tracked: TrackedDomain
    deletion: str
    over: bool = False


def live_domains() -> dict[str, Domain]:
    """The live domains by name, with their addresses. Three statements, because this runs after every step."""
    return _by_name(Domain.objects.filter(deleting_since=None))


def held_domains() -> dict[str, Domain]:
    """The deleted domains in their grace periods, likewise."""
    return _by_name(Domain.objects.filter(deleting_since__isnull=False, restorable_until__isnull=False))


def _by_name(rows: QuerySet[Domain]) -> dict[str, Domain]:
    return {row.name: row for row in rows.prefetch_related("email_addresses", "deleted_addresses")}


def desired_rules(domain: Domain) -> dict[str, HeldRule]:
    """The rules that SES should hold for the rows of this live domain, by name."""
    name, prefix = domain.name, f"emails/{domain.name}/{domain.pk}/"
    if domain.is_catch_all_enabled and domain.catch_all_endpoint_id:
        return {_rule_name(name, "-catchall-rule"): HeldRule(frozenset({name}), prefix)}
    places: dict[int, set[str]] = {}
    for row in domain.email_addresses.all():
        if row.is_active:
            places.setdefault(row.slot // settings.SES_MAX_RECIPIENTS_PER_RULE, set()).add(row.address)
    return {
        _rule_name(name, "-rule" if place == 0 else f"-rule-{place + 1}"): HeldRule(frozenset(recipients), prefix)
        for place, recipients in places.items()
    }


def identity_is_recorded(name: str) -> bool:
    """Whether the ledger has an entry for the identity."""
    return LedgerEntry.objects.filter(kind=ResourceKind.IDENTITY, name=name).exists()


def _rule_name(domain: str, suffix: str) -> str:
    readable = f"inbound-{domain}{suffix}"
    return readable if len(readable) <= 64 else f"inbound-{hashlib.sha256(domain.encode()).hexdigest()[:16]}{suffix}"


def as_tracked(domain: Domain) -> TrackedDomain:
    """The rows of a live domain in the form of `TrackedDomain`. Here `owner` is the primary key of the user."""
    return TrackedDomain(
        owner=domain.owner_id,
        pk=domain.pk,
        addresses={row.address: row.is_active for row in domain.email_addresses.all()},
        catch_all=domain.catch_all_endpoint_id if domain.is_catch_all_enabled else None,
        tombstones={row.address: row.is_active for row in domain.deleted_addresses.all()},
    )
