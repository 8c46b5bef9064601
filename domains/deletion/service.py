"""Deleting a domain so that it is really gone: the documented order, made durable.

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

from domains.deletion.erase import erase_mail
from domains.deletion.record import Step, changing, turn, values_at_the_start
from domains.deletion_plan.build import check_plan, check_token
from domains.deletion_plan.model import NOT_CREATED_HERE
from domains.models import Domain, DomainDeletion
from ses_integration.api import (
    DomainState,
    domain_state,
    mail_location,
    pending,
    reconcile,
    rules_up_to_date,
    shared_deadline,
    unconfirmed_warning,
)

ERASE_SECONDS_IN_REQUEST = 1.0
ERASE_SECONDS_IN_TURN = 30.0
# SES goes on trying for so long to store mail that it took before the rule went
# (docs/architecture/ses.md, "Late storage"): the worker looks again then.
SES_STORES_LATE = timedelta(hours=4)

KEPT = f"The SES identity {NOT_CREATED_HERE}"
SUPERSEDED = "The domain was added again before its clean-up was finished; SES holds what the new one needs."
MAIL_KEPT = "KEEP_MAIL_ON_DOMAIN_DELETE is on, so stored mail is kept:"
ERASING = "Stored mail is still to be erased; that goes on in the background."


def delete_domain(*, domain: Domain, requested_by: str, plan_token: str = "") -> DomainDeletion:
    """Delete a live domain and everything that belongs to it, and return the record of what is confirmed.

    Nothing that SES or S3 does stops the rows from going. Raises Domain.DoesNotExist if somebody else was first, and
    PlanOutdated if `plan_token` is given and is not that of the plan as it is now.
    """
    if plan_token:
        check_plan(domain, plan_token)
    with shared_deadline():
        with transaction.atomic(durable=True):
            row = Domain.objects.live().select_for_update().get(pk=domain.pk)
            if plan_token:
                check_token(row, plan_token)
            record = DomainDeletion.objects.create(
                domain_id=row.pk, requested_by=requested_by, plan_token=plan_token, **values_at_the_start(row)
            )
            row.deleting_since = timezone.now()
            row.save(update_fields=["deleting_since"])
        return advance(record)


def advance(record: DomainDeletion, *, erase_seconds: float = ERASE_SECONDS_IN_REQUEST) -> DomainDeletion:
    """Go on with a deletion as far as the budget allows, from wherever it stopped; any number of times, from anywhere."""
    with shared_deadline() as deadline:
        reconcile(record.name, done=lambda: _ses_done(record))
        note_facts(record)
        with transaction.atomic(durable=True):
            _finish_rows(record.domain_id)
        record.refresh_from_db()
        left = min(erase_seconds, deadline - time.monotonic())
        if record.rules != Step.OWED and record.stored_mail == Step.OWED and left > 0:
            erase_mail(record, seconds=left)
        _finish(record)
    return record


def resume_deletions(
    stop: Callable[[], bool] = lambda: False, *, seconds: float = math.inf, request_seconds: float = 0.0
) -> int:
    """The worker's step: every deletion that is owed something and whose turn it is; how many.

    Ends after about `seconds`, so that the worker's other steps get their turn; what is left goes on the next time. For
    `request_seconds` the rows of a new deletion are its request's: they go after SES, in the documented order.
    """
    until = time.monotonic() + seconds
    new = Q(rows=Step.OWED, started_at__gt=Now() - timedelta(seconds=request_seconds))
    pending = DomainDeletion.objects.pending().filter(turn()).exclude(new)
    records = list(pending.order_by(F("retry_at").asc(nulls_first=True), "started_at", "name"))
    # Those that only wait for SES take their half of the time, at random, and never that of the others.
    to_erase = [record for record in records if record.rules != Step.OWED and record.stored_mail == Step.OWED]
    waiting = [record for record in records if record not in to_erase]
    random.shuffle(waiting)
    half = time.monotonic() + seconds / 2
    for number, record in enumerate([*waiting, *to_erase]):
        if stop() or time.monotonic() >= until:
            return number
        if number < len(waiting) and time.monotonic() >= half:
            continue
        with transaction.atomic(durable=True):
            _finish_rows(record.domain_id)
        record.refresh_from_db()
        # SES's part is `converge_due`'s; here only what it has reached is noted.
        note_facts(record)
        if record.rules != Step.OWED and record.stored_mail == Step.OWED:
            erase_mail(record, seconds=min(until - time.monotonic(), ERASE_SECONDS_IN_TURN))
        _finish(record)
    return len(records)


def finish_rows_of(name: str) -> None:
    """Inside the transaction that adds `name` again: the rows of a life that is being deleted go now."""
    for pk in Domain.objects.filter(name=name, deleting_since__isnull=False).values_list("pk", flat=True):
        _finish_rows(pk)


def _finish_rows(domain_id: str) -> None:
    """Blocked emails, addresses, DNS records, domain: in the documented order, counted; by primary key and only while it
    is being deleted, so that a life that was added meanwhile keeps its rows
    (docs/architecture/protocol.md, "Counterexamples", 19)."""
    row = Domain.objects.select_for_update().filter(pk=domain_id, deleting_since__isnull=False).first()
    if row is None:
        return
    # Reverse accessors of the app above: addresses.BlockedEmail and addresses.EmailAddress.
    blocked, _ = row.blocked_emails.all().delete()
    addresses, _ = row.email_addresses.all().delete()
    dns, _ = row.dns_records.all().delete()
    DomainDeletion.objects.filter(domain_id=domain_id).update(
        rows=Step.DONE, rows_at=timezone.now(), blocked_emails=blocked, email_addresses=addresses, dns_records=dns
    )
    row.delete()


def _finish(record: DomainDeletion) -> None:
    """Where the last step was one that does not finish the record itself: the rows."""
    if record.finished_at is None and not record.owed_steps:
        with changing(record):
            pass


def _ses_done(record: DomainDeletion) -> bool:
    state = domain_state(record.name)
    return state.rules_gone and (state.identity_gone or state.identity_kept)


def note_facts(record: DomainDeletion) -> None:
    """Fill the record's steps from what is known of SES now, and finish it when nothing is owed any more."""
    if Step.OWED not in (record.rules, record.identity):
        return
    state = domain_state(record.name)
    # Only once the rules are the new ones: until then the old life's may go on storing mail under the old prefix.
    again = added_again(record) and rules_up_to_date(record.name)
    rules, identity = _reached(state, again=again)
    news = (record.rules == Step.OWED != rules) or (record.identity == Step.OWED != identity)
    tries = record.ses_attempts
    if Step.OWED in (rules, identity) and (behind := pending([record.name]).get(record.name)):
        tries = max(tries, behind.attempts)
    if not news and tries == record.ses_attempts:
        return
    with changing(record) as row:
        if Step.OWED not in (row.rules, row.identity):
            return  # somebody else was first
        row.ses_attempts = max(row.ses_attempts, tries)
        if row.rules == Step.OWED and rules != Step.OWED:
            row.rules, row.rules_at = rules, timezone.now()
            if row.stored_mail != Step.KEPT:
                row.look_again_at = row.rules_at + SES_STORES_LATE
        if row.identity == Step.OWED and identity != Step.OWED:
            row.identity, row.identity_at = identity, timezone.now()
        if Step.OWED not in (row.rules, row.identity):
            row.ses_attempts += 1


def _reached(state: DomainState, *, again: bool) -> tuple[Step, Step]:
    """The outcome for the rules and for the identity."""
    rules = identity = Step.SUPERSEDED if again else Step.OWED
    if state.identity_kept and not again:
        identity = Step.KEPT
    return Step.DONE if state.rules_gone else rules, Step.DONE if state.identity_gone else identity


def added_again(record: DomainDeletion) -> bool:
    return Domain.objects.filter(name=record.name).exclude(pk=record.domain_id).exists()


def warning(record: DomainDeletion) -> str | None:
    """What a client should know: what is still owed or kept, and what happens next; None when all is gone."""
    sentences: list[str] = []
    problem = record.problem
    if Step.OWED in (record.rules, record.identity):
        # If somebody else has the name by now, errors of SES about it are theirs.
        theirs = Domain.objects.filter(name=record.name).exclude(owner_id=record.owner_id).exists()
        lead, error = "SES clean-up is not finished.", "" if theirs else None
        sentences.append(unconfirmed_warning(lead, record.name, error=error, removal=True))
        # S3 may have failed for the same reason.
        problem = "" if problem in sentences[0] else problem
    if record.identity == Step.KEPT:
        sentences.append(KEPT)
    if Step.SUPERSEDED in (record.rules, record.identity):
        sentences.append(SUPERSEDED)
    if record.stored_mail == Step.OWED:
        sentences += [ERASING, problem]
    if record.stored_mail == Step.KEPT:
        sentences.append(f"{MAIL_KEPT} {mail_location(record.key_prefix, bucket=record.bucket)}")
    return " ".join(filter(None, sentences)) or None
