"""Rows of the caller, which requests find by their ids, and rows of a stranger, of which no answer may say anything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.test import override_settings

from archives.models import Import
from domains.models import Domain, DomainDeletion
from inbound.tests.support.factories import (
    BlockedEmailFactory,
    DeliveryFactory,
    DnsRecordFactory,
    DomainFactory,
    EmailAddressFactory,
    EndpointFactory,
)
from mail.tests.inbox import RAW, stored

# In all texts of the stranger's rows, and in no request.
MARK = "theirs7f3a"
KINDS = ("domains", "email-addresses", "endpoints", "blocked-emails", "dns-records", "deletions", "imports", "mail")

Ids = Mapping[str, list[str]]


def create(owner: User, label: str) -> Ids:
    """Rows of each kind, with `label` in their texts. Returns their ids by kind."""
    # After a commit this process would reconcile, which is the server's work.
    with override_settings(SES_REQUEST_BUDGET=0.0):
        endpoint = EndpointFactory(owner=owner, name=label, description=label)
        others = [
            EndpointFactory(owner=owner, name=label, type="email", config={"forwardTo": f"jo@{label}.example"}),
            EndpointFactory(owner=owner, name=label, type="email_group", config={"emails": [f"jo@{label}.example"]}),
        ]
        domain = DomainFactory(
            owner=owner, name=f"{label}.example", is_catch_all_enabled=True, catch_all_endpoint=endpoint
        )
        address = EmailAddressFactory(domain=domain, address=f"hello@{label}.example", endpoint=endpoint)
        blocked = BlockedEmailFactory(domain=domain, email_address=f"spam@{label}.example", reason=label)
        record = DnsRecordFactory(domain=domain, value=label)
        deletion = DomainDeletion.objects.create(domain_id=f"indm_{label}", name=f"gone.{label}.example", owner=owner)
        imported = Import.objects.create(domain=domain, domain_name=domain.name, account=owner, warning=label)
        email = stored(domain, RAW, subject=label)
        DeliveryFactory(received=email, endpoint=endpoint, state="dead", endpoint_name=label)
    rows: dict[str, list[Any]] = {
        "domains": [domain],
        "email-addresses": [address],
        "endpoints": [endpoint, *others],
        "blocked-emails": [blocked],
        "dns-records": [record],
        "deletions": [deletion],
        "imports": [imported],
        "mail": [email],
        "attachments": [email],
    }
    return {kind: [row.pk for row in found] for kind, found in rows.items()}


class Caller:
    """The caller's ids. Rows that requests have deleted are replaced."""

    def __init__(self, owner: User) -> None:
        self.owner = owner
        self.ids: dict[str, list[str]] = defaultdict(list)
        self._number = 0

    def replenish(self) -> None:
        """Add rows unless there are domains left."""
        if Domain.objects.live().filter(owner=self.owner, name__startswith="mine").count() < 2:
            self._number += 1
            for kind, found in create(self.owner, f"mine{self._number}").items():
                self.ids[kind] = [*self.ids[kind][-4:], *found]

    def learn(self, kind: str, answer: Any) -> None:
        """Note the id of a row that a request has made."""
        if isinstance(answer, dict) and isinstance(answer.get("id"), str):
            self.ids[kind] = [*self.ids[kind][-8:], answer["id"]]
