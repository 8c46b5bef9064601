"""What waits for the mail worker, and what is wrong with mail and its endpoints."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser as User
from django.db.models import Count, Max, Min, Q

from archives.models import Troubled, troubled
from desk.state import wording
from desk.state.values import Finding, Kind, Level, MailFigures, Tally
from domains.models import Domain
from mail.models import EventNotice
from mail.status.endpoints import Trouble, TroubledEndpoint
from mail.status.figures import MailStatus, Queue, Waiting, mail_status, to_erase
from mail.status.queue import measured_queue
from mail.status.traffic import traffic
from mail.status.wording import NO_SOURCE
from ses_integration.api import mail_source

# Endpoints in these states take their mail, or are tried again by themselves.
_HARMLESS = (Trouble.FAILING, Trouble.SLOW, Trouble.NONE)


def read_mail_figures(owner: User | None) -> MailFigures:
    found = traffic(owner)
    return MailFigures(found.last_at, found.in_24_hours, found.silent)


def read_mail(
    owner: User | None, most: int, *, measures: bool
) -> tuple[list[Finding], dict[tuple[Kind, Level], Tally]]:
    """Fifteen statements, or nineteen if some mail to erase waits for a person and some does not. No call to AWS.

    `measures`: a worker has run for long enough to measure the queue.
    """
    status = mail_status(owner, asks_queue=False)
    events, given_up = _events(owner)
    untold = _untold(given_up)
    found = [*_waiting(status, events, owner), *_dead(status), *untold, *_endpoints(status), *_sweeps(status)]
    archives, of_archives = _archives(owner, most)
    found += archives
    if owner is None:
        found += _queue(measured_queue(), is_wanted=measures and mail_source() == "sqs")
    tallies = {
        (Kind.MAIL_TO_READ, Level.PENDING if _is_read() else Level.NEEDS_YOU): _tally(status.to_read),
        (Kind.MAIL_TO_ERASE, Level.PENDING): Tally(status.to_erase.number - status.to_erase.stalled),
        (Kind.MAIL_TO_ERASE, Level.NEEDS_YOU): Tally(status.to_erase.stalled),
        (Kind.DELIVERY, Level.PENDING): _tally(status.due),
        (Kind.EVENT, Level.PENDING): _tally(events),
        **{(one.kind, one.level): Tally(one.number, one.since) for one in untold},
        **of_archives,
        (Kind.DELIVERY, Level.NEEDS_YOU): Tally(status.dead.number, status.dead.since),
    }
    return found, tallies


def _tally(waiting: Waiting) -> Tally:
    return Tally(waiting.number, waiting.since)


def _events(owner: User | None) -> tuple[Waiting, Waiting]:
    """Events that webhooks have to be told of, and those that they are not told of any more; one statement.

    Events of webhooks that are switched off wait for that, as their mail does. Those given up are forgotten after
    DELIVERY_LOG_DAYS.
    """
    rows = EventNotice.objects.waiting() | EventNotice.objects.given_up()
    if owner is not None:
        rows = rows.filter(endpoint__owner=owner.pk)
    due, lost = Q(retry_at__isnull=False, endpoint__is_active=True), Q(retry_at=None)
    found = rows.aggregate(
        number=Count("pk", filter=due),
        since=Min("created_at", filter=due),
        next_try=Min("retry_at", filter=due),
        why=Max("problem", filter=due, default=""),
        lost=Count("pk", filter=lost),
        lost_since=Min("created_at", filter=lost),
        lost_why=Max("problem", filter=lost, default=""),
    )
    given_up = Waiting(number=found.pop("lost"), since=found.pop("lost_since"), why=found.pop("lost_why"))
    return Waiting(**found), given_up


def _untold(given_up: Waiting) -> list[Finding]:
    if not given_up.number:
        return []
    return [
        Finding(
            Kind.EVENT,
            Level.NEEDS_YOU,
            subject="webhooks",
            what=wording.untold(given_up.number),
            why=given_up.why,
            act=wording.ACT_ON_UNTOLD,
            since=given_up.since,
            number=given_up.number,
            page=("mail.eventnotice", ""),
        )
    ]


def _erasures(status: MailStatus, owner: User | None) -> Iterator[tuple[Level, Waiting]]:
    """Mail to erase: what waits until a person acts, and the rest, each with its own reason."""
    stuck, number = status.to_erase.stalled, status.to_erase.number
    if not 0 < stuck < number:
        yield Level.NEEDS_YOU if stuck else Level.PENDING, status.to_erase
        return
    yield Level.NEEDS_YOU, to_erase(owner, stalled=True)
    yield Level.PENDING, to_erase(owner, stalled=False)


def _waiting(status: MailStatus, events: Waiting, owner: User | None) -> Iterator[Finding]:
    work = (
        (Kind.MAIL_TO_READ, Level.PENDING, status.to_read, wording.to_read),
        (Kind.DELIVERY, Level.PENDING, status.due, wording.to_deliver),
        (Kind.EVENT, Level.PENDING, events, wording.to_tell),
        *((Kind.MAIL_TO_ERASE, level, waiting, wording.to_erase) for level, waiting in _erasures(status, owner)),
    )
    for kind, level, waiting, what in work:
        if kind is Kind.MAIL_TO_READ and not _is_read():
            if waiting.number:
                yield _unread(waiting)
        elif waiting.number:
            yield Finding(
                kind,
                level,
                subject="webhooks" if kind is Kind.EVENT else "received mail",
                what=what(waiting.number),
                why=waiting.why,
                act=wording.ACT_ON_ERASURE if level is Level.NEEDS_YOU else "",
                since=waiting.since,
                next_try=waiting.next_try,
                number=waiting.number,
            )


def _is_read() -> bool:
    """Whether a mail worker reads mail. Without a source it only delivers and erases."""
    return mail_source() != "none"


def _unread(waiting: Waiting) -> Finding:
    return Finding(
        Kind.MAIL_TO_READ,
        Level.NEEDS_YOU,
        subject="received mail",
        what=wording.to_read(waiting.number),
        why=NO_SOURCE,
        act=wording.ACT_ON_SOURCE,
        since=waiting.since,
        number=waiting.number,
    )


def _dead(status: MailStatus) -> Iterator[Finding]:
    if status.dead.number:
        yield Finding(
            Kind.DELIVERY,
            Level.NEEDS_YOU,
            subject="received mail",
            what=wording.dead(status.dead.number),
            act=wording.ACT_ON_DEAD,
            since=status.dead.since,
            number=status.dead.number,
            page=("mail.delivery", ""),
        )


def _queue(queue: Queue | None, *, is_wanted: bool) -> Iterator[Finding]:
    if queue is None and is_wanted:
        why, act = wording.NOT_SAME_QUEUE, wording.ACT_ON_OTHER_QUEUE
        yield Finding(Kind.QUEUE, Level.NEEDS_YOU, wording.QUEUE, wording.NOT_MEASURED, why, act)
    elif queue is not None and queue.problem:
        act = wording.ACT_ON_REFUSAL
        yield Finding(Kind.QUEUE, Level.NEEDS_YOU, wording.QUEUE, wording.NOT_MEASURED, queue.problem, act)
    elif queue is not None and queue.dead_letters:
        what = wording.dead_letters(queue.dead_letters)
        yield Finding(Kind.QUEUE, Level.NEEDS_YOU, wording.QUEUE, what, act=wording.ACT_ON_DEAD_LETTERS)


def _endpoints(status: MailStatus) -> Iterator[Finding]:
    return (_endpoint(one, status.at) for one in status.endpoints if one.trouble not in _HARMLESS)


def _endpoint(one: TroubledEndpoint, now: datetime) -> Finding:
    return Finding(
        Kind.ENDPOINT,
        Level.NEEDS_YOU,
        subject=one.name,
        what=wording.endpoint(one),
        why=one.problem,
        act=wording.ACT_ON_ENDPOINT,
        since=one.since,
        tries=one.failures,
        next_try=one.next_try if one.next_try and one.next_try > now else None,
        page=("endpoints.endpoint", one.id),
    )


def _archives(owner: User | None, most: int) -> tuple[list[Finding], dict[tuple[Kind, Level], Tally]]:
    """Exports and imports that need somebody, and how many there are of each; one statement."""
    rows = troubled(None if owner is None else owner.pk, most)
    return [_archive(row) for row in rows], {
        (Kind(row.kind), Level.NEEDS_YOU): Tally(row.number, row.oldest) for row in rows
    }


def _archive(row: Troubled) -> Finding:
    what, act = wording.ARCHIVE[row.kind, row.has_failed]
    return Finding(
        Kind(row.kind),
        Level.NEEDS_YOU,
        subject=row.domain_name,
        what=what,
        why=row.problem,
        act=act,
        since=row.created_at,
        tries=row.failures,
        next_try=None if row.has_failed else row.retry_at,
        domain=row.domain_name,
        owner_id=row.account_id,
        page=(f"archives.{row.kind}", row.pk),
    )


def _sweeps(status: MailStatus) -> Iterator[Finding]:
    ids = dict(Domain.objects.filter(name__in=status.sweeps).values_list("name", "pk"))
    for domain, problem in status.sweeps.items():
        yield Finding(
            Kind.MAIL_SWEEP,
            Level.NEEDS_YOU,
            subject=domain,
            what=wording.MAIL_SWEEP,
            why=problem,
            act=wording.ACT_ON_REFUSAL,
            domain=domain,
            page=("domains.domain", ids[domain]) if domain in ids else None,
        )
