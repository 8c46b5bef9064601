"""Delete a domain: SES, its rows, those of its mail, its stored mail. Durable: the worker resumes what a request left unfinished.

See docs/architecture/deletion.md, "Delete a domain".
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import router, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from audit.origin import author
from domains.deletion.erase import can_erase, claim_mail, erase_mail
from domains.deletion.received import can_erase_rows, erase_rows
from domains.deletion.record import (
    due,
    has_archives,
    initial_values,
    keep_readers,
    record_deleted,
    rest_sweep,
    update_ses_steps,
    updating,
)
from domains.deletion_plan.build import check_plan, check_token
from domains.models import Domain, DomainDeletion, Step, lock_live_domain
from rest.prebuilt import Parameter, Prebuilt
from ses_integration.api import changing, database_now, reconcile, shared_deadline

ERASE_SECONDS_IN_REQUEST = 1.0
ERASE_SECONDS_IN_TURN = 30.0


class _Undone(Exception):
    """The deletion was undone meanwhile, and the rows are those of a later one."""


def delete_domain(
    *,
    domain: Domain,
    requested_by: str,
    plan_token: str = "",
    only_if: Callable[[Domain], bool] | None = None,
    permanent: bool = False,
) -> DomainDeletion:
    """Delete a live domain and everything that belongs to it, and return the report of what SES has confirmed.

    The rows are deleted whatever SES and S3 do, but with DOMAIN_DELETE_GRACE_DAYS only when the grace period has ended, unless
    the deletion is `permanent`. Raises Domain.DoesNotExist if the domain has already been deleted, or is not
    as `only_if` wants the locked row, and PlanOutdated if `plan_token` is given and the plan has changed.
    """
    grace = timedelta(days=0 if permanent else settings.DOMAIN_DELETE_GRACE_DAYS)
    if plan_token:
        check_plan(domain, plan_token, permanent=permanent)
    with shared_deadline():
        with changing() as change:
            row = lock_live_domain(domain.pk)
            if only_if is not None and not only_if(row):
                raise Domain.DoesNotExist
            if plan_token:
                check_token(row, plan_token, permanent=permanent)
            until = database_now() + grace if grace else None
            record = DomainDeletion.objects.create(
                domain_id=row.pk,
                requested_by=author(requested_by),
                plan_token=plan_token,
                restorable_until=until,
                **initial_values(row),
            )
            if row.share_count:
                keep_readers(row, record)
            row.deleting_since, row.restorable_until = timezone.now(), until
            row.save(update_fields=["deleting_since", *(["restorable_until"] if until else [])])
            if until:
                rest_sweep(row, until)
            record_deleted(row, record)
        return advance(record, generation=change.generations[record.name])


def advance(
    record: DomainDeletion, *, generation: int | None = None, erase_seconds: float = ERASE_SECONDS_IN_REQUEST
) -> DomainDeletion:
    """Continue a deletion from wherever it stopped, until the deadline. Safe to repeat, in any process.

    In a grace period only the rules go.

    `generation`: that of the domain's deletion, if the caller has just committed it.
    """
    with shared_deadline() as deadline:
        reconcile(record.name, generation)
        _continue(record, min(erase_seconds, deadline - time.monotonic()))
    return record


def resume_deletions(
    stop: Callable[[], bool] = lambda: False, *, seconds: float = math.inf, request_seconds: float = 0.0
) -> int:
    """Continue every unfinished deletion that is due, and return how many. A task of the worker.

    Ends after about `seconds`, so that it does not delay the worker's other tasks. Leaves a new deletion to its request for
    `request_seconds`, so that SES comes before the rows, in the documented order.
    """
    until = time.monotonic() + seconds
    new = Q(rows=Step.PENDING, started_at__gt=Now() - timedelta(seconds=request_seconds))
    # In a grace period, once the rules are gone, there is nothing to do.
    to_do = Q(restorable_until=None) | Q(rules=Step.PENDING)
    unfinished = DomainDeletion.objects.pending().filter(due(), to_do).exclude(new)
    records = list(unfinished.order_by(F("retry_at").asc(nulls_first=True), "started_at", "name"))
    # Deletions that only wait for SES get half of the time, in random order, so that they never delay erasing.
    to_erase = [record for record in records if can_erase(record) or can_erase_rows(record)]
    waiting = [record for record in records if record not in to_erase]
    random.shuffle(waiting)
    half = time.monotonic() + seconds / 2
    for number, record in enumerate([*waiting, *to_erase]):
        if stop() or time.monotonic() >= until:
            return number
        if number < len(waiting) and time.monotonic() >= half:
            continue
        # Another task of the worker, `reconcile_due`, calls SES. This one only records what has been confirmed.
        _continue(record, min(until - time.monotonic(), ERASE_SECONDS_IN_TURN))
    return len(records)


def _continue(record: DomainDeletion, erase_seconds: float) -> None:
    """Delete the rows, record what SES has confirmed, and erase mail for `erase_seconds`."""
    try:
        _continue_for_good(record, erase_seconds)
    except _Undone:
        record.refresh_from_db()


def _continue_for_good(record: DomainDeletion, erase_seconds: float) -> None:
    until = time.monotonic() + erase_seconds
    with transaction.atomic(durable=True):
        deleted = delete_rows(record.domain_id) if record.rows == Step.PENDING else None
        with updating(record):
            if deleted and record.restored_at is not None:
                # This process has slept since before the domain was restored, and deleted once more.
                raise _Undone
            update_ses_steps(record)
            if deleted:
                record.rows, record.rows_at = Step.DONE, timezone.now()
                record.blocked_emails, record.email_addresses, record.dns_records, record.exports = deleted
            # In this transaction: after it the worker no longer leaves the deletion to its request, and could claim the mail
            # first. The answer would then warn of mail that is being erased.
            more, claimed = _erase_rows_and_claim(record, erase_seconds)
    while more and (left := until - time.monotonic()) > 0:
        with transaction.atomic(durable=True), updating(record):
            more, claimed = _erase_rows_and_claim(record, left)
    if claimed:
        erase_mail(record, seconds=until - time.monotonic())


def _erase_rows_and_claim(record: DomainDeletion, seconds: float) -> tuple[bool, bool]:
    """Erase a batch of the mail's rows. Returns whether another one can go now, and whether none is left, there is time, and
    this process has the claim to the objects."""
    more = can_erase_rows(record) and erase_rows(record)
    return more and can_erase_rows(record), seconds > 0 and claim_mail(record)


def finish_rows(domain_id: str) -> None:
    """Delete the rows of an unfinished deletion now, in the transaction that adds its name again."""
    reports = DomainDeletion.objects.for_good().filter(domain_id=domain_id)
    if not reports.exists():
        # Somebody has set `deleting_since` by hand. The receivers write the report.
        Domain.objects.filter(pk=domain_id, deleting_since__isnull=False).delete()
    elif deleted := delete_rows(domain_id):
        counts = dict(zip(("blocked_emails", "email_addresses", "dns_records", "exports"), deleted, strict=True))
        reports.update(rows=Step.DONE, rows_at=timezone.now(), **counts)


# Whether there are tombstones cannot change any more: none is left for a domain that is being deleted. Without them, which is
# usual, they cost no statement. `deleted_addresses`: reverse accessor of addresses.DeletedAddress, in the app above.
_being_deleted = Prebuilt(
    lambda: (
        Domain.objects.select_for_update()
        .annotate(
            **has_archives("pk"),
            has_tombstones=Exists(Domain.objects.filter(pk=OuterRef("pk"), deleted_addresses__isnull=False)),
        )
        .filter(pk=Parameter("pk"), deleting_since__isnull=False, restorable_until=None)
    )
)


def delete_rows(domain_id: str) -> tuple[int, int, int, int] | None:
    """Delete and count blocked emails, addresses, DNS records and the domain, in the documented order.

    Ends and counts exports first. Tombstones of addresses go uncounted, after the addresses.

    Returns the counts, or None if the domain is gone or can be restored. By primary key, and only while the domain is being
    deleted, so that a domain added again meanwhile keeps its rows (docs/architecture/protocol.md, "Counterexamples", 19).
    """
    if not (locked := _being_deleted(pk=domain_id)):
        return None
    domain: Any = locked[0]
    exports = 0
    if domain.has_archives:
        # Reverse accessors of models in an app above: archives.Export and archives.Import.
        exports = domain.exports.all().end()
        domain.imports.all().end()
    # Reverse accessors of models in the app above: addresses.BlockedEmail and addresses.EmailAddress.
    blocked, addresses = _delete(domain.blocked_emails.all()), _delete(domain.email_addresses.all())
    if domain.has_tombstones:
        _delete(domain.deleted_addresses.all())
    dns = _delete(domain.dns_records.all())
    _delete(domain.status_changes.all())
    if domain.share_count:
        _delete(domain.accesses.all())
    _delete(Domain.objects.filter(pk=domain_id))
    return blocked, addresses, dns, exports


def _delete(rows: QuerySet[Any]) -> int:
    """Delete in one statement, without cascades and signals.

    Safe for the rows of a domain that is being deleted: no other row refers to them, its report is written, and the name
    need not be marked dirty (docs/architecture/protocol.md, "Delete and add again").
    """
    return rows._raw_delete(router.db_for_write(rows.model))
