"""What SES should hold for the rows. A second implementation, independent of `ses_integration.plan.compile`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from django.conf import settings

from addresses.models import EmailAddress
from domains.models import Domain


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


def desired_rules(name: str) -> dict[str, HeldRule]:
    """The rules that SES should hold for the rows of this domain, by name."""
    domain = Domain.objects.filter(name=name, deleting_since=None).first()
    if domain is None:
        return {}
    prefix = f"emails/{name}/{domain.pk}/"
    if domain.is_catch_all_enabled and domain.catch_all_endpoint_id:
        return {_rule_name(name, "-catchall-rule"): HeldRule(frozenset({name}), prefix)}
    places: dict[int, set[str]] = {}
    for address, slot in EmailAddress.objects.filter(domain=domain, is_active=True).values_list("address", "slot"):
        places.setdefault(slot // settings.SES_MAX_RECIPIENTS_PER_RULE, set()).add(address)
    return {
        _rule_name(name, "-rule" if place == 0 else f"-rule-{place + 1}"): HeldRule(frozenset(recipients), prefix)
        for place, recipients in places.items()
    }


def _rule_name(domain: str, suffix: str) -> str:
    readable = f"inbound-{domain}{suffix}"
    return readable if len(readable) <= 64 else f"inbound-{hashlib.sha256(domain.encode()).hexdigest()[:16]}{suffix}"


def rows_as_tracked() -> dict[str, TrackedDomain]:
    """The live rows in the form of `TrackedDomain`. Here `owner` is the primary key of the user."""
    return {
        domain.name: TrackedDomain(
            owner=domain.owner_id,
            pk=domain.pk,
            addresses=dict(domain.email_addresses.values_list("address", "is_active")),
            catch_all=domain.catch_all_endpoint_id if domain.is_catch_all_enabled else None,
        )
        for domain in Domain.objects.filter(deleting_since=None)
    }
