"""Restore a deleted address, and wait for SES to confirm it, up to the deadline."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError

from addresses.models import DeletedAddress, EmailAddress
from addresses.services import RECORDED, AddressChange, outcome_of, reserve_for
from audit.actions import Action
from audit.record import Entry, members, record
from domains.models import Domain, lock_live_domain
from rest.access.roles import Deed
from ses_integration.api import changing, reconcile, shared_deadline

ENDED = (
    "The time in which it could be restored has ended. Add the address again, or lift the deleted address so that the "
    "domain's catch-all receives for it."
)
RESTORED_ALREADY = "It has been restored already, and is an email address again."
ADDED_AGAIN = "The address has been added again meanwhile. Use that one, or delete it first."
DOMAIN_GONE = "Its domain is being deleted, so it cannot be restored. If the domain can be, restore that first."
WITHOUT_ENDPOINT = (
    "The endpoint that received its mail has been deleted, so it was restored without one. Choose another one."
)


class CannotRestore(Exception):
    """The address stays deleted. The message is a sentence for people that says why."""


def restore_address(tombstone: DeletedAddress, *, member: Any = None) -> AddressChange:
    """Bring an address back as it was, with its id, in a slot of its own. Its tombstone goes.

    The warning also says if its endpoint is gone. `member`: a manager who does it for the owner, see `lock_live_domain`.
    Raises CannotRestore, QuotaExceeded, DeletedAddress.DoesNotExist if it has been lifted or the manager has lost their
    access, and EmailAddress.DoesNotExist if the address is deleted again during the wait for SES.
    """
    with shared_deadline():
        try:
            with changing() as change:
                domain = lock_live_domain(tombstone.domain_id, member, Deed.CHANGE_ADDRESSES)
                row, lost_endpoint = _restored(domain, tombstone)
                reserve_for(row)
                record(Entry.of(Action.RESTORED, row, domain.owner_id, after=members(row, *RECORDED)))
        except Domain.DoesNotExist as error:
            if member is not None:
                raise DeletedAddress.DoesNotExist from error
            raise CannotRestore(DOMAIN_GONE) from error
        except IntegrityError as error:
            # It was added past `EmailAddress.save`, which would have removed the tombstone.
            raise CannotRestore(ADDED_AGAIN) from error
        reconcile(domain.name, change.generations[domain.name])
    restored = outcome_of(row.pk)
    if not lost_endpoint:
        return restored
    return AddressChange(restored.address, " ".join(filter(None, [WITHOUT_ENDPOINT, restored.warning])))


def _restored(domain: Domain, tombstone: DeletedAddress) -> tuple[EmailAddress, bool]:
    """Insert the row, and say whether its endpoint is gone. The domain is locked, so nobody adds or restores it meanwhile."""
    left = DeletedAddress.objects.select_for_update(of=("self",)).filter(pk=tombstone.pk)
    if not (found := left.first()):
        raise _reason(tombstone)
    if not left.restorable().exists():
        raise CannotRestore(ENDED)
    # `endpoints`: reverse accessor of endpoints.Endpoint, in an app above. Locked against its deletion.
    endpoints = domain.owner.endpoints.select_for_update(no_key=True)
    endpoint_id = endpoints.filter(pk=found.endpoint_id).values_list("pk", flat=True).first()
    row = EmailAddress(
        pk=found.pk, domain=domain, address=found.address, endpoint_id=endpoint_id, is_active=found.is_active
    )
    row.save(force_insert=True)
    # Inserting has set it.
    EmailAddress.objects.filter(pk=row.pk).update(created_at=found.created_at)
    return row, found.endpoint_id is not None and endpoint_id is None


def _reason(tombstone: DeletedAddress) -> Exception:
    """Why there is no tombstone any more."""
    if EmailAddress.objects.filter(pk=tombstone.pk).exists():
        return CannotRestore(RESTORED_ALREADY)
    if EmailAddress.objects.filter(address=tombstone.address).exists():
        return CannotRestore(ADDED_AGAIN)
    return DeletedAddress.DoesNotExist()
