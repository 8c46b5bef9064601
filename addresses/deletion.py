"""Delete addresses, and report whether SES has confirmed that it no longer receives mail for them.

See docs/architecture/deletion.md, "Delete an address".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.db import router
from django.db.models.deletion import Collector

from addresses.deletion_plan import check_plan, check_token
from addresses.models import EmailAddress
from addresses.services import RECORDED
from addresses.tombstones.leave import leave_tombstones
from audit.actions import Action
from audit.record import Entry, members, record_all
from domains.models import DomainAccess
from domains.names import domain_of
from rest.access.roles import Deed, may, role_from
from ses_integration.api import (
    changing,
    configured,
    confirmation,
    mark_dirty,
    reconcile,
    shared_deadline,
    unconfirmed_warning,
)

NOT_CONFIGURED = "AWS configuration incomplete. SES rules may need manual cleanup."
ADDED_AGAIN = "The address has been added again, so SES keeps receiving mail for it."


@dataclass(frozen=True, slots=True)
class AddressDeletion:
    """A deleted address. `removed_from_ses`: SES has confirmed that it holds no recipient for it; otherwise `warning` is set.

    `restorable_until`: None without a grace period.
    """

    address: str
    domain: str
    removed_from_ses: bool
    warning: str | None
    restorable_until: datetime | None


def delete_address(
    address: EmailAddress, *, plan_token: str = "", permanent: bool = False, member: Any = None
) -> AddressDeletion:
    """Delete the row, wait until SES has confirmed it or the deadline ends, and report the outcome.

    With a grace period it leaves a tombstone, unless the deletion is `permanent`. Raises EmailAddress.DoesNotExist if it has
    already been deleted, and PlanOutdated if `plan_token` is given and the plan has changed.
    """
    if plan_token:
        check_plan(address, plan_token, permanent=permanent)
    check = partial(check_token, address, plan_token, permanent=permanent) if plan_token else None
    deleted = delete_addresses([address], check=check, permanent=permanent, member=member)
    if not deleted:
        raise EmailAddress.DoesNotExist
    return deleted[address.pk]


def delete_addresses(
    addresses: Sequence[EmailAddress],
    *,
    check: Callable[[], None] | None = None,
    permanent: bool = False,
    member: Any = None,
) -> dict[str, AddressDeletion]:
    """Delete addresses in one transaction, and then wait for SES domain by domain, with one update for each rule.

    Returns the outcomes by id, without addresses that had already been deleted. The number of statements depends on the
    number of domains, not of addresses. `check` runs first in the transaction, and may raise to end it. `member`: somebody who
    manages some of the domains for others. What they do not manage any more stays. One statement more.
    """
    leaves_tombstones = settings.ADDRESS_DELETE_GRACE_DAYS and not permanent
    with shared_deadline():
        with changing() as change:
            if check is not None:
                check()
            # Domains first, as every change of their addresses locks them: the deletion writes their counts.
            locked = EmailAddress.objects.select_related("domain").select_for_update(of=("domain", "self"))
            if leaves_tombstones:
                locked = locked.with_now()
            rows = list(locked.filter(pk__in=[row.pk for row in addresses]).order_by("domain_id", "pk"))
            if member is not None:
                deed = Deed.CHANGE_ADDRESSES
                managed = DomainAccess.lock({row.domain_id for row in rows}, member, deed)
                rows = [
                    row for row in rows if row.domain in managed or may(role_from(row.domain.owner_id, member), deed)
                ]
            deleted = {row.pk: row.address for row in rows}
            entries = [
                Entry.of(Action.DELETED, row, row.domain.owner_id, before=members(row, *RECORDED)) for row in rows
            ]
            by_domain: dict[str, set[str]] = defaultdict(set)
            for address in deleted.values():
                by_domain[domain_of(address)].add(address)
            # Mark before the receivers do so row by row, because marks must be locked in the order of the domains' names.
            only = rows[0] if len(rows) == 1 else None
            mark_dirty(*by_domain, slot=only.slot if only else None, row=only.pk if only else None)
            # Before the collector, which takes the keys from the rows.
            restorable = leave_tombstones(rows) if leaves_tombstones else {}
            # Like `QuerySet.delete`, which would read the locked rows again.
            collector = Collector(using=router.db_for_write(EmailAddress))
            collector.collect(rows)
            collector.delete()
            record_all(entries)
        warnings: dict[str, str] = {}
        for name, generation in change.generations.items():
            reconcile(name, generation)
            if left := confirmation.recipients_left(name, by_domain[name], generation):
                warnings |= dict.fromkeys(left, _warning(name))
                added = EmailAddress.objects.filter(address__in=left).active()
                warnings |= dict.fromkeys(added.values_list("address", flat=True), ADDED_AGAIN)
        return {
            pk: AddressDeletion(
                address, domain_of(address), address not in warnings, warnings.get(address), restorable.get(pk)
            )
            for pk, address in deleted.items()
        }


def _warning(domain: str) -> str:
    # Other addresses need an update of the rule instead of its deletion, and an update needs the bucket.
    others = EmailAddress.objects.filter(domain__name=domain).active().exists()
    if not configured() or (others and not settings.S3_BUCKET_NAME):
        return NOT_CONFIGURED
    lead = f"SES rule {'update' if others else 'deletion'} failed:"
    return unconfirmed_warning(lead, domain, error="", removal=True, in_flight=True)
