"""What the rows say, and what SES should hold for them. A second implementation, independent of `ses_integration.plan.compile`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from django.conf import settings

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


def live_domains() -> dict[str, Domain]:
    """The live domains by name, with their addresses. Two statements, because this runs after every step."""
    return {row.name: row for row in Domain.objects.filter(deleting_since=None).prefetch_related("email_addresses")}


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
    )
