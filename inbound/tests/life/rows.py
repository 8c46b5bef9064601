"""What SES should hold for the rows: compiled here once more and otherwise, so that both would have to be wrong alike."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from django.conf import settings

from addresses.models import EmailAddress
from domains.models import Domain


@dataclass(frozen=True)
class HeldRule:
    """A receipt rule, as it should be or as it was seen."""

    recipients: frozenset[str]
    key_prefix: str


@dataclass
class Life:
    """What the API was told of a domain from its creation to its deletion. `addresses`: whether each is active."""

    owner: int
    pk: str
    addresses: dict[str, bool] = field(default_factory=dict)
    catch_all: str | None = None


def wanted_rules(name: str) -> dict[str, HeldRule]:
    """The rules, by their names, that SES should hold for the rows of this name."""
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
    whole = f"inbound-{domain}{suffix}"
    return whole if len(whole) <= 64 else f"inbound-{hashlib.sha256(domain.encode()).hexdigest()[:16]}{suffix}"


def stored_lives() -> dict[str, Life]:
    """The live rows, in the form in which the model of the API remembers them; `owner` is the primary key."""
    return {
        domain.name: Life(
            owner=domain.owner_id,
            pk=domain.pk,
            addresses=dict(domain.email_addresses.values_list("address", "is_active")),
            catch_all=domain.catch_all_endpoint_id if domain.is_catch_all_enabled else None,
        )
        for domain in Domain.objects.filter(deleting_since=None)
    }
