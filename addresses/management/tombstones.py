"""What the commands about deleted addresses share."""

from __future__ import annotations

from django.core.management.base import CommandError

from addresses.models import DeletedAddress, EmailAddress


def tombstone_of(address: str) -> DeletedAddress:
    """The tombstone of an address. Raises CommandError, with what to do, if there is none."""
    tombstone = DeletedAddress.objects.filter(address=address).first()
    if tombstone is None:
        if EmailAddress.objects.live().filter(address=address).exists():
            raise CommandError(f"{address} is an email address again, and no deleted one: there is nothing to do.")
        raise CommandError(f"There is no deleted address {address!r}. list_deleted_addresses shows all.")
    return tombstone
