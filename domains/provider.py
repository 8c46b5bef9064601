"""Specs of domains for ses_integration, which finds `domain_specs` through `settings.SES_SPEC_PROVIDER`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from domains.models import Domain, key_prefix
from ses_integration.api import DomainSpec

# Address, whether it is active, and its slot.
AddressRow = tuple[str, bool, int]


def domain_specs(names: list[str] | None) -> list[DomainSpec]:
    """Specs of the live domains among `names`, or of all if None; two statements.

    A domain that is being deleted has none, so SES should hold nothing for it. Catch-all without an endpoint counts as off.
    The specs leave out inactive addresses: they change no rule, and every pass reads the specs.
    """
    domains = Domain.objects.live()
    if names is not None:
        domains = domains.filter(name__in=names)
    # `email_addresses`: reverse accessor of addresses.EmailAddress, in the app above.
    found = domains.filter(email_addresses__is_active=True).values_list(
        "pk", "email_addresses__address", "email_addresses__slot"
    )
    rows: dict[str, list[AddressRow]] = defaultdict(list)
    for pk, address, slot in found:
        rows[pk].append((address, True, slot))
    return [
        DomainSpec.of(name, key_prefix(name, pk), rows[pk], catch_all=enabled and endpoint_id is not None)
        for pk, name, enabled, endpoint_id in domains.values_list(
            "pk", "name", "is_catch_all_enabled", "catch_all_endpoint_id"
        )
    ]


def addresses_of(domain: Domain) -> list[AddressRow]:
    """All addresses of the domain, in order; one statement."""
    # `email_addresses`: reverse accessor of addresses.EmailAddress, in the app above.
    return list(domain.email_addresses.order_by("address").values_list("address", "is_active", "slot"))


def spec_of(domain: Domain, addresses: Iterable[AddressRow]) -> DomainSpec:
    """The spec of the domain with these addresses."""
    return DomainSpec.of(domain.name, domain.key_prefix, addresses, catch_all=domain.receives_everything)
