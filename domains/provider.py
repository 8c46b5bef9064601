"""What every domain should receive, for SES: the one provider that `settings.SES_SPEC_PROVIDER` names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from domains.models import Domain, key_prefix
from ses_integration.api import AddressSpec, DomainSpec, Incarnation


def domain_specs(names: list[str] | None) -> list[DomainSpec]:
    """The live domains among `names`, or all of them, as plain values; two statements.

    A domain that is being deleted has none: SES should hold nothing for it. Catch-all needs an endpoint: enabled without
    one receives like off.
    """
    domains = Domain.objects.live()
    if names is not None:
        domains = domains.filter(name__in=names)
    # `email_addresses` is the reverse accessor of addresses.EmailAddress, which stands above this app.
    active = domains.filter(email_addresses__is_active=True)
    addresses: dict[str, list[AddressSpec]] = defaultdict(list)
    for pk, address, slot in active.values_list("pk", "email_addresses__address", "email_addresses__slot"):
        addresses[pk].append(AddressSpec(address, slot))
    return [
        DomainSpec(
            name=name,
            key_prefix=key_prefix(name, pk),
            addresses=tuple(addresses[pk]),
            catch_all=enabled and endpoint_id is not None,
        )
        for pk, name, enabled, endpoint_id in domains.values_list(
            "pk", "name", "is_catch_all_enabled", "catch_all_endpoint_id"
        )
    ]


# Its address, whether it is active, and its slot.
AddressRow = tuple[str, bool, int]


def addresses_of(domain: Domain) -> list[AddressRow]:
    """All of them, in order; one statement."""
    # `email_addresses` is the reverse accessor of addresses.EmailAddress, which stands above this app.
    return list(domain.email_addresses.order_by("address").values_list("address", "is_active", "slot"))


def incarnation_of(domain: Domain, addresses: Iterable[AddressRow]) -> Incarnation:
    rows = list(addresses)
    return Incarnation(
        spec=DomainSpec(
            name=domain.name,
            key_prefix=domain.key_prefix,
            addresses=tuple(AddressSpec(address, slot) for address, active, slot in rows if active),
            catch_all=domain.receives_everything,
        ),
        recipients=frozenset(
            [*(address for address, _, _ in rows), *([domain.name] if domain.receives_everything else [])]
        ),
    )
