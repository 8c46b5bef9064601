"""Leave tombstones of addresses that are being deleted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings

from addresses.models import DeletedAddress, EmailAddress


def leave_tombstones(rows: Iterable[EmailAddress]) -> dict[str, datetime]:
    """Leave tombstones if there is a grace period. Returns until when each address can be restored, by id.

    Call it in the deletion's transaction, with the domains locked and read, and rows `with_now()`. A domain that is being deleted
    gets none: its deletion may have looked for tombstones already.
    """
    if not settings.ADDRESS_DELETE_GRACE_DAYS:
        return {}
    grace = timedelta(days=settings.ADDRESS_DELETE_GRACE_DAYS)
    left = [
        DeletedAddress(
            pk=row.pk,
            address=row.address,
            domain_id=row.domain_id,
            endpoint_id=row.endpoint_id,
            is_active=row.is_active,
            created_at=row.created_at,
            deleted_at=row.now,
            restorable_until=row.now + grace,
        )
        for row in rows
        if row.domain.deleting_since is None
    ]
    # A row that was added past `EmailAddress.save`, by SQL or a restored backup, may have one already.
    DeletedAddress.objects.filter(address__in=[row.address for row in left]).delete()
    DeletedAddress.objects.bulk_create(left)
    return {row.pk: row.restorable_until for row in left}
