"""The IP address filters of one account and region. The emulator receives no mail, so they have no effect."""

from __future__ import annotations

import copy
import ipaddress
from typing import Any

from ses_integration.emulator.state.quotas import Quotas
from ses_integration.emulator.state.validation import check_name, invalid
from ses_integration.emulator.wire.errors import AwsError

ReceiptFilter = dict[str, Any]


class ReceiptFilterStore:
    """Filters by name. Each method is the operation of that name in the SES API Reference."""

    def __init__(self, quotas: Quotas) -> None:
        self._quotas = quotas
        self._filters: dict[str, ReceiptFilter] = {}

    def create_receipt_filter(self, receipt_filter: ReceiptFilter) -> None:
        """Block or allow an address or a range."""
        name, ip_filter = receipt_filter.get("Name", ""), receipt_filter.get("IpFilter", {})
        check_name(name, member="filter.name", kind="filterName")
        if ip_filter.get("Policy") not in ("Block", "Allow"):
            raise invalid("filter.ipFilter.policy", "Member must satisfy enum value set: [Block, Allow]")
        if name in self._filters:
            raise AwsError("AlreadyExists", f"Filter already exists: {name}", Name=name)
        if len(self._filters) >= self._quotas.filters:
            raise AwsError("LimitExceeded", "Too many filters")
        if not _is_range(ip_filter.get("Cidr", "")):
            raise AwsError("InvalidParameterValue", f"Invalid CIDR block: {ip_filter.get('Cidr', '')}")
        self._filters[name] = copy.deepcopy(receipt_filter)

    def delete_receipt_filter(self, name: str) -> None:
        """Succeed for an unknown name, because no error is documented."""
        self._filters.pop(name, None)

    def list_receipt_filters(self) -> list[ReceiptFilter]:
        """Return all filters: the operation is not paged."""
        return list(self._filters.values())


def _is_range(cidr: str) -> bool:
    try:
        # strict=False: the example in the reference, 10.0.0.1/24, has host bits set.
        ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return False
    return True
