"""Deleting a domain so that it is really gone: the documented order, made durable (design 7, protocol 3)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from domains.deletion_plan import check_token
from domains.models import Domain, DomainDeletion
from ses_integration import facts, stored_mail
from ses_integration.budget import one_budget
from ses_integration.clock import database_now
from ses_integration.convergence import converge
from ses_integration.errors import SesError
from ses_integration.ledger import backoff

Step = DomainDeletion.Step

ERASE_SECONDS_IN_REQUEST = 1.0
# Who erases a prefix has it for itself for so long; longer than any run, so that nothing is counted twice.
CLAIM = timedelta(seconds=60)

KEPT = "The SES identity was not created by this installation, so it is kept."
SUPERSEDED = "The domain was added again before its clean-up was finished; SES holds what the new one needs."
ERASING = "Stored mail is still to be erased; that goes on in the background."


def delete_domain(*, domain: Domain, requested_by: str, plan_token: str = "") -> DomainDeletion:
    """Delete a live domain and everything that belongs to it, and return the record of what is confirmed.

    Nothing that SES or S3 does stops the rows from going. Raises Domain.DoesNotExist if somebody else was first, and
    PlanOutdated if `plan_token` is given and is not that of the plan as it is now.
    """
    with one_budget():
        with transaction.atomic(durable=True):
            row = Domain.objects.live().select_for_update().get(pk=domain.pk)
            if plan_token:
                check_token(row, plan_token)
            record = DomainDeletion.objects.create(
                domain_id=row.pk, name=row.name, owner_id=row.owner_id, requested_by=requested_by, plan_token=plan_token
            )
            row.deleting_since = timezone.now()
            row.save(update_fields=["deleting_since"])
        return advance(record)


def advance(record: DomainDeletion) -> DomainDeletion:
    """Go on with a deletion as far as the budget allows, from wherever it stopped; any number of times, from anywhere."""
    with one_budget() as deadline:
        converge(record.name, done=lambda: _ses_done(record))
        with transaction.atomic(durable=True):
            _finish_rows(record.domain_id)
        record.refresh_from_db()
        note_facts(record)
        left = min(ERASE_SECONDS_IN_REQUEST, deadline - time.monotonic())
        if record.rules != Step.OWED and record.stored_mail == Step.OWED and left > 0:
            erase_mail(record, seconds=left)
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
    owed = DomainDeletion.objects.owed().filter(_turn()).exclude(new)
    records = list(owed.order_by(F("next_attempt").asc(nulls_first=True)))
    for number, record in enumerate(records):
        if stop() or time.monotonic() >= until:
            return number
        with transaction.atomic(durable=True):
            _finish_rows(record.domain_id)
        record.refresh_from_db()
        # SES's part is `converge_due`'s; here only what it has reached is noted.
        note_facts(record)
        if record.rules != Step.OWED and record.stored_mail == Step.OWED:
            erase_mail(record, seconds=min(until - time.monotonic(), CLAIM.total_seconds() / 2))
    return len(records)


def _turn() -> Q:
    return Q(next_attempt=None) | Q(next_attempt__lte=Now())


def finish_rows_of(name: str) -> None:
    """Inside the transaction that adds `name` again: the rows of a life that is being deleted go now."""
    for pk in Domain.objects.filter(name=name, deleting_since__isnull=False).values_list("pk", flat=True):
        _finish_rows(pk)


def _finish_rows(domain_id: str) -> None:
    """Blocked emails, addresses, DNS records, domain: in the documented order, counted; by primary key and only while it
    is being deleted, so that a life that was added meanwhile keeps its rows (protocol 8, counterexample 19)."""
    row = Domain.objects.select_for_update().filter(pk=domain_id, deleting_since__isnull=False).first()
    if row is None:
        return
    # Reverse accessors of the app above: addresses.BlockedEmail and addresses.EmailAddress.
    blocked, _ = row.blocked_emails.all().delete()
    addresses, _ = row.email_addresses.all().delete()
    dns, _ = row.dns_records.all().delete()
    row.delete()
    DomainDeletion.objects.filter(domain_id=domain_id).update(
        rows=Step.DONE, blocked_emails=blocked, email_addresses=addresses, dns_records=dns
    )


def _ses_done(record: DomainDeletion) -> bool:
    state = facts.domain_state(record.name)
    return state.rules_gone and (state.identity_gone or state.identity_kept)


def note_facts(record: DomainDeletion) -> None:
    """Fill the record's steps from what is known of SES now, and finish it when nothing is owed any more."""
    state = facts.domain_state(record.name)
    # Only once the rules are the new ones: until then the old life's may go on storing mail under the old prefix.
    again = Domain.objects.filter(name=record.name).exclude(pk=record.domain_id).exists() and facts.rules_in_line(
        record.name
    )
    if Step.OWED not in (record.rules, record.identity) or not (
        again or state.rules_gone or state.identity_gone or state.identity_kept
    ):
        return
    with _changing(record) as row:
        if row.rules == Step.OWED:
            row.rules = Step.DONE if state.rules_gone else Step.SUPERSEDED if again else Step.OWED
        if row.identity == Step.OWED:
            if state.identity_gone:
                row.identity = Step.DONE
            elif again:
                row.identity = Step.SUPERSEDED
            elif state.identity_kept:
                row.identity = Step.KEPT


def erase_mail(record: DomainDeletion, *, seconds: float) -> None:
    """Erase stored mail for about `seconds`; what is left is owed, and the next turn is noted.

    Does nothing while somebody else is at it: two that list the same page would both count it.
    """
    mine = DomainDeletion.objects.filter(_turn(), pk=record.pk, stored_mail=Step.OWED)
    if not mine.update(next_attempt=Now() + CLAIM):
        return
    try:
        erasure = stored_mail.erase(record.key_prefix, seconds=seconds)
    except SesError as error:
        erasure = stored_mail.Erasure(versions=0, finished=False, problem=error.sentence)
    with _changing(record) as row:
        row.erased_versions += erasure.versions
        # The others first: a prefix with very much mail must not keep them waiting.
        row.problem, row.attempts, row.next_attempt = erasure.problem, 0, database_now()
        if erasure.finished:
            row.stored_mail = Step.DONE
        elif erasure.problem:
            row.attempts = record.attempts + 1
            row.next_attempt = database_now() + backoff(row.attempts)


@contextmanager
def _changing(record: DomainDeletion) -> Iterator[DomainDeletion]:
    """Change the record as it is now, not as it was read: a request and the worker may both be at it."""
    with transaction.atomic():
        row = DomainDeletion.objects.select_for_update().get(pk=record.pk)
        yield row
        if row.finished_at is None and Step.OWED not in (row.rules, row.identity, row.rows, row.stored_mail):
            row.finished_at = timezone.now()
        row.save()
    record.refresh_from_db()


def warning(record: DomainDeletion) -> str | None:
    """What a client should know: what is still owed or kept, and what happens next; None when all is gone."""
    sentences: list[str] = []
    if Step.OWED in (record.rules, record.identity):
        owed = facts.owed(record.name)
        sentences += ["SES clean-up is not finished.", owed.error, facts.RECORDED]
    if record.identity == Step.KEPT:
        sentences.append(KEPT)
    if Step.SUPERSEDED in (record.rules, record.identity):
        sentences.append(SUPERSEDED)
    if record.stored_mail == Step.OWED:
        sentences += [ERASING, record.problem]
    # Two steps may have met the same.
    return " ".join(dict.fromkeys(filter(None, sentences))) or None
