"""Give a new domain the configuration of an archive, in the transaction that adds it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

from addresses.models import BlockedEmail, EmailAddress
from addresses.services import RECORDED
from archives.imports.plan import Plan, PlannedEndpoint
from archives.imports.refusals import CannotImport
from audit.actions import Action
from audit.record import Entry, members, record, record_all
from domains.lifecycle.mail_from import refuse_receiving
from domains.models import Domain
from domains.provider import spec_of
from endpoints.imported import Described, insert_all, prepare
from endpoints.models import Endpoint
from ses_integration.api import reserve

Row = TypeVar("Row")

# Rows that are made and stored before the next ones: the database ends transactions of processes that send nothing for long.
BATCH = 1000
# How long DNS is asked about all webhooks together, whose servers may be slow on purpose. It is asked before each call anyway.
DNS_SECONDS = 10.0


@dataclass
class Configuration:
    """What an import gives its domain. `ids`: of the archive's rows, by kind: the new id of each.

    `endpoints`: those that are new, by the archive's id. `first_label`: of the MAIL FROM domain, before the archive's.
    """

    plan: Plan
    endpoints: Mapping[str, Endpoint]
    ids: dict[str, dict[str, str]] = field(default_factory=dict)
    first_label: str = ""

    @classmethod
    def prepared(cls, plan: Plan, owner: Any) -> Configuration:
        """May ask DNS for DNS_SECONDS, so not inside a transaction."""
        new = [endpoint for endpoint in plan.endpoints if not endpoint.reused]
        until = time.monotonic() + DNS_SECONDS
        prepared = {it.id: prepare(owner, described(it), dns_seconds=until - time.monotonic()) for it in new}
        return cls(plan, prepared)

    @property
    def new_rows(self) -> dict[str, int]:
        """How many rows of each kind it has besides the domain."""
        plan = self.plan
        return {
            "addresses": len(plan.addresses),
            "blockedEmails": len(plan.blocked),
            "endpoints": len(self.endpoints),
        }

    def apply(self, domain: Domain) -> None:
        """Write the rows, and reserve room in SES. Needs the transaction that has inserted the domain.

        Raises CannotImport, MailFromConflict and QuotaExceeded.
        """
        plan = self.plan
        routes = {endpoint.id: endpoint.id for endpoint in plan.endpoints if endpoint.reused}
        # Against their deletion: a foreign key would only be checked at the commit.
        found = Endpoint.objects.filter(owner=domain.owner_id, pk__in=routes).select_for_update(no_key=True)
        if len(found.order_by("pk").values_list("pk", flat=True)) < len(routes):
            raise CannotImport("An endpoint was deleted meanwhile. Nothing was imported: start again.")
        insert_all(list(self.endpoints.values()))
        routes |= {old: endpoint.pk for old, endpoint in self.endpoints.items()}
        self._set(domain, routes)
        addresses, blocked = self._add(domain, routes), self._block(domain)
        reserve(spec_of(domain, [(row.address, row.is_active, row.slot) for row in addresses]))
        after = {"archiveId": plan.archive_id, **self.new_rows}
        record(Entry.of(Action.IMPORTED, domain, domain.owner_id, after=after))
        self.ids = {
            "domain": {plan.archive_id: domain.pk},
            "endpoints": routes,
            "addresses": _mapped(plan.addresses, addresses),
            "blockedEmails": _mapped(plan.blocked, blocked),
        }

    def _set(self, domain: Domain, routes: Mapping[str, str]) -> None:
        plan = self.plan
        self.first_label = domain.mail_from_label
        if plan.mail_from_label:
            refuse_receiving(domain, plan.mail_from_label)
            domain.mail_from_label, domain.mail_from_chosen = plan.mail_from_label, True
        domain.receive_dmarc_emails = plan.receives_dmarc
        domain.is_catch_all_enabled = plan.catch_all is not None
        domain.catch_all_endpoint_id = routes[plan.catch_all] if plan.catch_all is not None else None
        domain.save()

    def _add(self, domain: Domain, routes: Mapping[str, str]) -> list[EmailAddress]:
        added = []
        for rows in _in_batches(self._addresses(domain, routes)):
            EmailAddress.objects.bulk_create(rows)
            record_all(Entry.of(Action.ADDED, row, domain.owner_id, after=members(row, *RECORDED)) for row in rows)
            added += rows
        return added

    def _addresses(self, domain: Domain, routes: Mapping[str, str]) -> Iterator[EmailAddress]:
        # The domain is new, so all slots are free, and inserting it has marked all of it.
        for slot, values in enumerate(self.plan.addresses):
            yield EmailAddress(
                domain=domain,
                address=values["address"],
                endpoint_id=routes.get(values["endpointId"]),
                is_active=values["isActive"],
                slot=slot,
            )

    def _block(self, domain: Domain) -> list[BlockedEmail]:
        every = (
            BlockedEmail(
                domain=domain,
                email_address=values["emailAddress"],
                reason=values["reason"] or "",
                blocked_by_id=domain.owner_id,
            )
            for values in self.plan.blocked
        )
        blocked = []
        for rows in _in_batches(every):
            BlockedEmail.objects.bulk_create(rows)
            record_all(Entry.of(Action.ADDED, row, domain.owner_id, after=members(row, "reason")) for row in rows)
            blocked += rows
        return blocked


def described(endpoint: PlannedEndpoint) -> Described:
    values = endpoint.values
    return Described(
        name=values["name"],
        type=values["type"],
        # Archives for accounts that do not own the domain have no settings.
        config=values.get("config"),
        secret=values.get("secret") or "",
        description=values.get("description") or "",
        is_active=values.get("isActive", True),
    )


def _in_batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


def _mapped(old: Sequence[Mapping[str, Any]], new: Sequence[EmailAddress] | Sequence[BlockedEmail]) -> dict[str, str]:
    return {values["id"]: row.pk for values, row in zip(old, new, strict=True)}
