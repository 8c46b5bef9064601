"""The IP address filters of one account and region. No mail arrives here, so they are only kept."""

from __future__ import annotations

import copy
import ipaddress
from typing import Any

from ses_integration.emulator.state.quotas import Quotas
from ses_integration.emulator.state.validation import check_name, invalid
from ses_integration.emulator.wire.errors import AwsError

ReceiptFilter = dict[str, Any]


class ReceiptFilterStore:
    """The filters by name. Every method is one operation of the SES API, named as it is there."""

    def __init__(self, quotas: Quotas) -> None:
        self._quotas = quotas
        self._filters: dict[str, ReceiptFilter] = {}

    def create_receipt_filter(self, receipt_filter: ReceiptFilter) -> None:
        """SES API Reference, CreateReceiptFilter and ReceiptIpFilter: an address or a range, blocked or allowed."""
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
        """SES API Reference, DeleteReceiptFilter: it has no error of its own, so one that is missing is success."""
        self._filters.pop(name, None)

    def list_receipt_filters(self) -> list[ReceiptFilter]:
        """SES API Reference, ListReceiptFilters: all of them, which is not paged."""
        return list(self._filters.values())


def _is_range(cidr: str) -> bool:
    try:
        # The reference's own example of a range, 10.0.0.1/24, has bits of a host.
        ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return False
    return True
