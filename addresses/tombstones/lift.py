"""Lift tombstones: a catch-all receives for the addresses again, and they cannot be restored any more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from addresses.models import DeletedAddress
from audit.actions import Action
from audit.record import Entry, record_all
from domains.models import lock_live_domain
from rest.access.roles import Deed


def lift(*tombstones: DeletedAddress, member: Any = None) -> Sequence[DeletedAddress]:
    """Delete these tombstones, and return those that were still there. Changes nothing in SES.

    `member`: a manager who does it for the owner. Raises Domain.DoesNotExist as `lock_live_domain` does for them.
    """
    with transaction.atomic():
        if member is not None:
            for domain in sorted({row.domain_id for row in tombstones}):
                lock_live_domain(domain, member, Deed.CHANGE_ADDRESSES)
        found = DeletedAddress.objects.select_related("domain").select_for_update(of=("self",)).order_by("pk")
        lifted = list(found.filter(pk__in=[row.pk for row in tombstones]))
        DeletedAddress.objects.filter(pk__in=[row.pk for row in lifted]).delete()
        record_all(Entry.of(Action.LIFTED, row, row.domain.owner_id) for row in lifted)
        return lifted
