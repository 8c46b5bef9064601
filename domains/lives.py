"""What of a name's past belongs to the domain as it is now."""

from __future__ import annotations

from collections.abc import Iterable

from domains.models import Domain
from ses_integration.lives import Life
from ses_integration.receiving import DomainReceiving, ReceivingAddress

# Its address, whether it is active, and its slot.
AddressRow = tuple[str, bool, int]


def addresses_of(domain: Domain) -> list[AddressRow]:
    """All of them, in order; one statement."""
    # `email_addresses` is the reverse accessor of addresses.EmailAddress, which stands above this app.
    return list(domain.email_addresses.order_by("address").values_list("address", "is_active", "slot"))


def life_of(domain: Domain, addresses: Iterable[AddressRow]) -> Life:
    rows = list(addresses)
    return Life(
        receiving=DomainReceiving(
            name=domain.name,
            key_prefix=domain.key_prefix,
            addresses=tuple(ReceivingAddress(address, slot) for address, active, slot in rows if active),
            catch_all=domain.receives_everything,
        ),
        recipients=frozenset(
            [*(address for address, _, _ in rows), *([domain.name] if domain.receives_everything else [])]
        ),
    )
