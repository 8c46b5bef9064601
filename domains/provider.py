"""Specs of domains for ses_integration, which finds `domain_specs` through `settings.SES_SPEC_PROVIDER`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from domains.models import Domain, key_prefix
from ses_integration.api import DomainSpec


def domain_specs(names: list[str] | None) -> list[DomainSpec]:
    """Specs of the live domains among `names`, or of all if None; two statements.

    A domain that is being deleted has none, so SES should hold nothing for it. Catch-all without an endpoint counts as off.
    """
    domains = Domain.objects.live()
    if names is not None:
        domains = domains.filter(name__in=names)
    # `email_addresses`: reverse accessor of addresses.EmailAddress, in the app above.
    active = domains.filter(email_addresses__is_active=True)
    slots: dict[str, dict[str, int]] = defaultdict(dict)
    for pk, address, slot in active.values_list("pk", "email_addresses__address", "email_addresses__slot"):
        slots[pk][address] = slot
    return [
        DomainSpec.of(name, key_prefix(name, pk), slots[pk], catch_all=enabled and endpoint_id is not None)
        for pk, name, enabled, endpoint_id in domains.values_list(
            "pk", "name", "is_catch_all_enabled", "catch_all_endpoint_id"
        )
    ]


# Address, whether it is active, and its slot.
AddressRow = tuple[str, bool, int]


def addresses_of(domain: Domain) -> list[AddressRow]:
    """All addresses of the domain, in order; one statement."""
    # `email_addresses`: reverse accessor of addresses.EmailAddress, in the app above.
    return list(domain.email_addresses.order_by("address").values_list("address", "is_active", "slot"))


def spec_of(domain: Domain, addresses: Iterable[AddressRow]) -> DomainSpec:
    """The domain with these addresses, inactive ones included, for plans that must show no other incarnation of the name."""
    rows = list(addresses)
    return DomainSpec.of(
        domain.name,
        domain.key_prefix,
        {address: slot for address, active, slot in rows if active},
        catch_all=domain.receives_everything,
        inactive=[address for address, active, _ in rows if not active],
    )
