"""Extend the grace period of a deleted address, or end it: what ends is only that it can be restored."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from addresses.models import DeletedAddress
from addresses.tombstones.restore import ENDED, CannotRestore
from audit.actions import Action
from audit.record import Entry, record
from domains.grace.period import extended
from rest.fields import timestamp
from ses_integration.api import database_now


def extend(tombstone: DeletedAddress, *, days: int) -> datetime:
    """Let the period end so many days later, and return when.

    Raises TooLong, CannotRestore if it has ended, and DeletedAddress.DoesNotExist if there is no tombstone any more.
    """
    with transaction.atomic(durable=True):
        row, now = _locked(tombstone)
        return _set(row, extended(row.restorable_until, days, now), Action.EXTENDED)


def end(tombstone: DeletedAddress) -> datetime:
    """End the period now, and return when. The tombstone stays. Raises as `extend` does."""
    with transaction.atomic(durable=True):
        row, now = _locked(tombstone)
        return _set(row, now, Action.ENDED)


def _locked(tombstone: DeletedAddress) -> tuple[DeletedAddress, datetime]:
    row = DeletedAddress.objects.select_related("domain").select_for_update(of=("self",)).get(pk=tombstone.pk)
    now = database_now()
    if row.restorable_until <= now:
        raise CannotRestore(ENDED)
    return row, now


def _set(row: DeletedAddress, until: datetime, action: Action) -> datetime:
    row.restorable_until = until
    row.save(update_fields=["restorable_until"])
    record(Entry.of(action, row, row.domain.owner_id, after={"restorableUntil": timestamp(until)}))
    return until
