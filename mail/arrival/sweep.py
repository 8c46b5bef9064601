"""The sweep: compare the bucket with the rows, domain by domain, and note what nobody has told of.

S3 lists keys in order, and a page of them is compared in one statement. Memory does not grow with the bucket.
See docs/architecture/mail.md, "Sweep".
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import DateTimeField, F, Q, QuerySet
from django.db.models.functions import Greatest, Now
from django.utils import timezone

from domains.models import Domain
from mail.arrival.missed import MissedMail
from mail.models import MailSweep, Message
from ses_integration.api import SesError, StoredKey, retry_delay

logger = logging.getLogger(__name__)

# A claim is renewed, and the position stored, every RENEW_SECONDS, after a page or a batch, whose calls may be slow.
CLAIM = timedelta(minutes=10)
RENEW_SECONDS = 10.0
# How many missed mails are noted in one transaction.
BATCH = 20
# A domain with much mail is listed less often.
PAUSE_PER_SECOND = 50
# As numbers of failures in a row: the second time it waits for minutes.
FIRST_FAILURE, REPEATED_FAILURE = 5, 9
# How long a domain may have waited for its first sweep, and still get all of its mail delivered.
NEW = timedelta(hours=1)
NOT_MAIL = "AMAZON_SES_SETUP_NOTIFICATION"


class Lost(Exception):
    """Another process has taken over the sweep of the domain, or the domain is gone."""


@dataclass
class Swept:
    """What one run has done of a pass. `finished`: it has come to the end of the domain's mail."""

    listed: int = 0
    found: int = 0
    finished: bool = False


def add_missing_sweeps() -> None:
    """Make sweeps for live domains that have none. They are due at once."""
    # A domain may be much older than the first mail worker: its mail from before is not delivered.
    since = Greatest("created_at", Now() - NEW, output_field=DateTimeField())
    new = Domain.objects.live().filter(mail_sweep=None).values_list("pk", since)[:1000]
    MailSweep.objects.bulk_create(
        [MailSweep(domain_id=pk, due_at=Now(), deliver_since=since) for pk, since in new], ignore_conflicts=True
    )


def make_all_due() -> None:
    """Sweep every domain now, except those that a process is sweeping."""
    add_missing_sweeps()
    idle = Q(finished_at__gte=F("started_at")) | ~Q(problem="")
    MailSweep.objects.filter(idle).update(due_at=Now())


def unfinished() -> QuerySet[MailSweep]:
    """Passes that have begun, or are about to begin, and have not ended."""
    begun = Q(finished_at=None) | Q(finished_at__lt=F("started_at")) | Q(due_at__lte=Now())
    return MailSweep.objects.filter(begun, domain__deleting_since=None)


def claim_sweep() -> MailSweep | None:
    """Claim the sweep that has been due for longest."""
    with transaction.atomic(durable=True):
        due = MailSweep.objects.filter(due_at__lte=Now(), domain__deleting_since=None).order_by("due_at")
        row = due.select_for_update(skip_locked=True, of=("self",)).select_related("domain").first()
        if row is not None:
            now = timezone.now()
            row.due_at = now + CLAIM
            if not row.cursor:
                row.started_at = now
            row.save(update_fields=["due_at", "started_at"])
    return row


class Pass:
    """One run of a claimed sweep: to the end of the domain's mail, until it is stopped, or until AWS cannot be asked."""

    def __init__(self, row: MailSweep) -> None:
        self._row = row
        self._domain = row.domain
        self._resumed = bool(row.cursor)
        self._missed = MissedMail(row.domain)
        self._swept = Swept()
        self._recorded = 0
        self._renewed = time.monotonic()
        # Without the time for mail that was missed: after the first pass through old mail, that says nothing.
        self._seconds = 0.0

    def run(self, stop: Callable[[], bool] = lambda: False, *, grace: float | None = None) -> Swept:
        """Raises SesError and Lost. What was found is noted, and the next run continues where this one was.

        `grace`: leave alone what was stored in these seconds, by default MAIL_SWEEP_GRACE_SECONDS.
        """
        # What arrives during the pass is left to its notification, or the next pass.
        until = timezone.now() - timedelta(seconds=settings.MAIL_SWEEP_GRACE_SECONDS if grace is None else grace)
        try:
            while not (stop() or self._swept.finished):
                self._compare_page(until, stop)
        except SesError as error:
            seconds = retry_delay(REPEATED_FAILURE if self._row.problem else FIRST_FAILURE, error=error)
            self._update(problem=error.sentence[:500], due_at=timezone.now() + seconds)
            raise
        if self._swept.finished:
            self._end()
        else:
            self._update(due_at=Now())
        return self._swept

    def _compare_page(self, until: datetime, stop: Callable[[], bool]) -> None:
        begun = time.monotonic()
        page = self._domain.mail.keys(self._row.cursor)
        missed = self._without_rows([key for key in page.keys if self._is_mail(key) and key.stored_at <= until])
        self._seconds += time.monotonic() - begun
        self._swept.listed += len(page.keys)
        for start in range(0, len(missed), BATCH):
            if stop():
                return
            self._swept.found += self._missed.note(missed[start : start + BATCH])
            self._renew()
        self._row.cursor = page.next
        self._swept.finished = not page.next
        self._renew()

    def _is_mail(self, key: StoredKey) -> bool:
        ses_id = self._ses_id(key)
        return 0 < len(ses_id) <= 255 and ses_id.isprintable() and "/" not in ses_id and ses_id != NOT_MAIL

    def _ses_id(self, key: StoredKey) -> str:
        return key.key.removeprefix(self._domain.key_prefix)

    def _without_rows(self, keys: list[StoredKey]) -> list[StoredKey]:
        if not keys:
            return []
        rows = Message.objects.filter(domain=self._domain, ses_id__in=[self._ses_id(key) for key in keys])
        # Also those that are being erased: their rows stay until the objects are gone.
        known = dict(rows.values_list("ses_id", "state"))
        if Message.State.MISSING in known.values():
            # SES has stored them later than it promises, or somebody has restored them.
            rows.filter(state=Message.State.MISSING).update(
                state=Message.State.ARRIVED, retry_at=Now(), problem="", ingested_at=None
            )
        return [key for key in keys if self._ses_id(key) not in known]

    def _renew(self) -> None:
        if time.monotonic() > self._renewed + RENEW_SECONDS:
            self._update(due_at=timezone.now() + CLAIM)
            self._renewed = time.monotonic()

    def _end(self) -> None:
        now = timezone.now()
        # Of a pass that was interrupted, only the last part was timed.
        seconds = max(self._seconds, self._row.seconds) if self._resumed else self._seconds
        pause = max(settings.MAIL_SWEEP_SECONDS, PAUSE_PER_SECOND * seconds)
        self._update(
            due_at=now + timedelta(seconds=pause), finished_at=now, seconds=seconds, problem=self._missed.problem
        )

    def _update(self, **values: Any) -> None:
        """Record the position and what was found. Raises Lost without the claim."""
        new = self._swept.found - self._recorded
        held = MailSweep.objects.filter(pk=self._row.pk, due_at=self._row.due_at)
        if not held.update(cursor=self._row.cursor, found=F("found") + new, **values):
            raise Lost
        self._recorded = self._swept.found
        self._row.due_at = values["due_at"]
