"""Delete a domain: SES, then its rows, then its stored mail. Durable: the worker resumes what a request left unfinished.

See docs/architecture/deletion.md, "Delete a domain".
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from domains.deletion.erase import claim_mail, erase_mail
from domains.deletion.record import due, initial_values, update_ses_steps, updating
from domains.deletion_plan.build import check_token, plan_of
from domains.models import Domain, DomainDeletion, Step
from ses_integration.api import changing, reconcile, shared_deadline

ERASE_SECONDS_IN_REQUEST = 1.0
ERASE_SECONDS_IN_TURN = 30.0


def delete_domain(*, domain: Domain, requested_by: str, plan_token: str = "") -> DomainDeletion:
    """Delete a live domain and everything that belongs to it, and return the report of what SES has confirmed.

    The rows are deleted whatever SES and S3 do. Raises Domain.DoesNotExist if the domain has already been deleted, and
    PlanOutdated if `plan_token` is given and the plan has changed.
    """
    if plan_token:
        plan_of(domain).check(plan_token)
    with shared_deadline():
        with changing() as change:
            row = Domain.objects.live().select_for_update().get(pk=domain.pk)
            if plan_token:
                check_token(row, plan_token)
            record = DomainDeletion.objects.create(
                domain_id=row.pk, requested_by=requested_by, plan_token=plan_token, **initial_values(row)
            )
            row.deleting_since = timezone.now()
            row.save(update_fields=["deleting_since"])
        return advance(record, generation=change.generations[record.name])


def advance(
    record: DomainDeletion, *, generation: int | None = None, erase_seconds: float = ERASE_SECONDS_IN_REQUEST
) -> DomainDeletion:
    """Continue a deletion from wherever it stopped, until the deadline. Safe to repeat, in any process.

    `generation`: that of the domain's deletion, if the caller has just committed it.
    """
    with shared_deadline() as deadline:
        reconcile(record.name, generation)
        update_ses_steps(record)
        _delete_rows_and_mail(record, erase_seconds=erase_seconds, until=deadline)
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
    unfinished = DomainDeletion.objects.pending().filter(due()).exclude(new)
    records = list(unfinished.order_by(F("retry_at").asc(nulls_first=True), "started_at", "name"))
    # Deletions that only wait for SES get half of the time, in random order, so that they never delay erasing.
    to_erase = [record for record in records if _can_erase(record)]
    waiting = [record for record in records if not _can_erase(record)]
    random.shuffle(waiting)
    half = time.monotonic() + seconds / 2
    for number, record in enumerate([*waiting, *to_erase]):
        if stop() or time.monotonic() >= until:
            return number
        if number < len(waiting) and time.monotonic() >= half:
            continue
        # Another task of the worker, `reconcile_due`, calls SES. This one only records what has been confirmed.
        update_ses_steps(record)
        _delete_rows_and_mail(record, erase_seconds=ERASE_SECONDS_IN_TURN, until=until)
    return len(records)


def _delete_rows_and_mail(record: DomainDeletion, *, erase_seconds: float, until: float) -> None:
    """Delete the rows, erase mail for about `erase_seconds`, but not after `until`, and finish the deletion if that was all."""
    with transaction.atomic(durable=True):
        delete_rows(record.domain_id)
        seconds = min(erase_seconds, until - time.monotonic())
        # In the transaction that deletes the rows: after it the worker no longer leaves the deletion to its request, and could
        # claim the mail first. The answer would then warn of mail that is being erased.
        claimed = _can_erase(record) and seconds > 0 and claim_mail(record)
    record.refresh_from_db()
    if claimed:
        erase_mail(record, seconds=seconds)
    # The rows were the last pending step, and `delete_rows` does not finish the deletion.
    if record.finished_at is None and not record.pending_steps:
        with updating(record):
            pass


def delete_rows(domain_id: str) -> None:
    """Delete and count blocked emails, addresses, DNS records and the domain, in the documented order.

    By primary key, and only while the domain is being deleted, so that a domain added again meanwhile keeps its rows
    (docs/architecture/protocol.md, "Counterexamples", 19).
    """
    row = Domain.objects.select_for_update().filter(pk=domain_id, deleting_since__isnull=False).first()
    if row is None:
        return
    # Reverse accessors of models in the app above: addresses.BlockedEmail and addresses.EmailAddress.
    blocked, _ = row.blocked_emails.all().delete()
    addresses, _ = row.email_addresses.all().delete()
    dns, _ = row.dns_records.all().delete()
    DomainDeletion.objects.filter(domain_id=domain_id).update(
        rows=Step.DONE, rows_at=timezone.now(), blocked_emails=blocked, email_addresses=addresses, dns_records=dns
    )
    row.delete()


def _can_erase(record: DomainDeletion) -> bool:
    # Not before the rules are gone: SES would store new mail behind the eraser.
    return record.rules != Step.PENDING and record.stored_mail == Step.PENDING
