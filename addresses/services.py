"""Add and change addresses, and wait for SES to confirm it, up to the deadline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import IntegrityError

from addresses.models import EmailAddress
from audit.actions import Action
from audit.record import Entry, members, record, record_change
from domains.lifecycle.catch_all import EndpointGone
from domains.models import Domain, lock_live_domain
from domains.names import domain_of
from domains.provider import spec_of
from rest.access.roles import Deed
from rest.prebuilt import Parameter, Prebuilt
from ses_integration.api import (
    changing,
    confirmation,
    mark_dirty,
    reconcile,
    reserve,
    shared_deadline,
    unconfirmed_warning,
)

NO_BUCKET = "AWS configuration incomplete. Missing S3_BUCKET_NAME or AWS_ACCOUNT_ID"


# What the audit log has of an address.
RECORDED = ("endpoint_id", "is_active")


class AddressTaken(Exception):
    """The address already exists, with this owner or another one."""


@dataclass(frozen=True, slots=True)
class AddressChange:
    """The stored address with its `receipt_rule_name`, and a warning if SES has not confirmed the change."""

    address: EmailAddress
    warning: str | None


def create_address(
    *, domain: Domain, address: str, endpoint_id: str | None, is_active: bool = True, member: Any = None
) -> AddressChange:
    """Add a normalised address of the domain. `member`: a manager who does it for the owner, see `lock_live_domain`.

    Raises AddressTaken, EndpointGone, QuotaExceeded, Domain.DoesNotExist if the domain is being deleted, and
    EmailAddress.DoesNotExist if the address is deleted again during the wait for SES.
    """
    with shared_deadline():
        try:
            with changing() as change:
                # A deletion of the domain that starts now waits for this lock, and then deletes the address, too.
                locked = lock_live_domain(domain.pk, member, Deed.CHANGE_ADDRESSES)
                row = EmailAddress.objects.create(
                    domain=locked, address=address, endpoint_id=endpoint_id, is_active=is_active
                )
                reserve_for(row)
                record(Entry.of(Action.ADDED, row, locked.owner_id, after=members(row, *RECORDED)))
        except IntegrityError as error:
            # PostgreSQL checks foreign keys at commit, so the endpoint may be the cause.
            taken = EmailAddress.objects.filter(address=address).exists()
            raise (AddressTaken if taken else EndpointGone) from error
        reconcile(domain.name, change.generations[domain.name])
    return outcome_of(row.pk)


def update_address(*, address: EmailAddress, changes: dict[str, Any], member: Any = None) -> AddressChange:
    """Set the address's `endpoint_id` and `is_active`, whichever `changes` contains. Only `is_active` changes SES.

    Raises EmailAddress.DoesNotExist if it has been deleted, Domain.DoesNotExist if the manager `member` has lost their access,
    EndpointGone, and QuotaExceeded.
    """
    with shared_deadline():
        try:
            with changing() as change:
                # Lock the domain first, as every change does, so that it cannot deadlock with the deletion of an endpoint.
                domain = (
                    Domain.objects.select_for_update().filter(pk=address.domain_id).first()
                    if member is None
                    else lock_live_domain(address.domain_id, member, Deed.CHANGE_ADDRESSES)
                )
                row = EmailAddress.objects.live().select_for_update(of=("self",)).get(pk=address.pk)
                before = members(row, *RECORDED)
                touched = {name for name, value in changes.items() if getattr(row, name) != value}
                for name in touched:
                    setattr(row, name, changes[name])
                if "is_active" in touched:
                    mark_dirty(domain_of(row.address), slot=row.slot, row=row.pk)
                row.save(update_fields={name.removesuffix("_id") for name in touched} | {"updated_at"})
                if "is_active" in touched:
                    reserve_for(row)
                record_change(row, domain.owner_id if domain else None, before, members(row, *RECORDED))
        except IntegrityError as error:
            raise EndpointGone from error
        for name, generation in change.generations.items():
            reconcile(name, generation)
    return outcome_of(row.pk)


def reserve_for(row: EmailAddress) -> None:
    """Reserve room in SES for the rule that carries the address, if it needs one."""
    if row.is_active:
        reserve(spec_of(row.domain, [(row.address, row.is_active, row.slot)]))


_with_rule_name = Prebuilt(
    lambda: EmailAddress.objects.select_related("domain", "endpoint").with_rule_name().filter(pk=Parameter("pk"))
)


def outcome_of(pk: str) -> AddressChange:
    """The address as it is now, and what SES has not confirmed. Raises EmailAddress.DoesNotExist if it is gone."""
    row = _with_rule_name.get(pk=pk)
    name = row.domain.name
    has_rule = row.receipt_rule_name is not None
    confirmed = has_rule if row.is_active else not confirmation.recipients_left(name, [row.address])
    if confirmed:
        return AddressChange(row, None)
    if not settings.S3_BUCKET_NAME:
        return AddressChange(row, NO_BUCKET)
    # An active address may stay in a previous rule set.
    warning = unconfirmed_warning("SES configuration failed:", name, removal=not row.is_active)
    return AddressChange(row, warning)
