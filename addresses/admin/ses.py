"""What the admin tells before addresses are deleted: what becomes of the rules that carry them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from addresses.models import EmailAddress
from backoffice.links import list_link
from ses_integration.conf import ses_config
from ses_integration.models import LedgerRecipient


def rule_link(name: str) -> SafeString:
    return list_link("ses_integration.ledgerentry", name, name=name)


def what_goes(addresses: Sequence[Any]) -> dict[str, list[str | SafeString]]:
    """By primary key, for rows `with_rule_name()`; one statement."""
    rules = {address.receipt_rule_name for address in addresses}
    held: dict[str, set[str]] = defaultdict(set)
    recipients = LedgerRecipient.objects.of(ses_config()).filter(entry__name__in=rules - {None})
    for name, recipient in recipients.values_list("entry__name", "recipient"):
        held[name].add(recipient)
    going = {address.address for address in addresses}
    return {
        address.pk: [_route(address), _rule(address, held[address.receipt_rule_name] - going)] for address in addresses
    }


def _rule(address: Any, left: set[str]) -> str | SafeString:
    if address.receipt_rule_name is None:
        return "SES is not known to hold a rule for it."
    link = rule_link(address.receipt_rule_name)
    if address.domain.name in left:
        return format_html("SES rule {} stays: it is the catch-all, and goes on receiving mail for the address.", link)
    if left:
        return format_html("SES rule {} loses it, and keeps {} other {}.", link, len(left), _addresses(len(left)))
    return format_html("SES rule {} goes: nothing else is in it.", link)


def _addresses(count: int) -> str:
    return "address" if count == 1 else "addresses"


def _route(address: EmailAddress) -> str:
    state = "" if address.is_active else "Inactive. "
    if address.endpoint is None:
        return f"{state}Its mail goes to no endpoint."
    return f"{state}Its mail goes to the endpoint {address.endpoint}, which stays."
