"""What every domain should receive, for SES: the one provider that `settings.SES_RECEIVING_PROVIDER` names."""

from __future__ import annotations

from collections import defaultdict

from domains.models import Domain, key_prefix
from ses_integration.receiving import DomainReceiving, ReceivingAddress


def receiving(names: list[str] | None) -> list[DomainReceiving]:
    """The live domains among `names`, or all of them, as plain values; two statements.

    A domain that is being deleted has none: SES should hold nothing for it. Catch-all needs an endpoint: enabled without
    one receives like off.
    """
    domains = Domain.objects.live()
    if names is not None:
        domains = domains.filter(name__in=names)
    # `email_addresses` is the reverse accessor of addresses.EmailAddress, which stands above this app.
    active = domains.filter(email_addresses__is_active=True)
    addresses: dict[str, list[ReceivingAddress]] = defaultdict(list)
    for pk, address, slot in active.values_list("pk", "email_addresses__address", "email_addresses__slot"):
        addresses[pk].append(ReceivingAddress(address, slot))
    return [
        DomainReceiving(
            name=name,
            key_prefix=key_prefix(name, pk),
            addresses=tuple(addresses[pk]),
            catch_all=enabled and endpoint_id is not None,
        )
        for pk, name, enabled, endpoint_id in domains.values_list(
            "pk", "name", "is_catch_all_enabled", "catch_all_endpoint_id"
        )
    ]
