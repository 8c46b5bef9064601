"""Thousands of domains in their grace periods: what each pass of the workers costs, and what it takes to end many at once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from django.db import connection
from django.utils import timezone

from backoffice.tables import table
from bench import seeding
from bench.parts.sweep import fill
from bench.requests import progress
from domains.models import Domain, DomainDeletion, Step
from inbound.worker import Worker
from mail.arrival.note import note
from mail.arrival.sweep import claim_sweep
from mail.delivery.claims import claim
from mail.models import MailSweep, Message
from ses_integration.api import Arrival
from ses_integration.conf import ses_config
from ses_integration.emulator.server import Emulator
from ses_integration.models import DomainSync, LedgerEntry, LedgerIdentity, LedgerRecipient
from ses_integration.reconcile.snapshot import desired_of

LIVE, HELD, ENDED = 1_000, 10_000, 1_000
ADDRESSES_EACH = 10
ROUNDS = 7
# Not every round: they look at SES as a whole, or once an hour.
RARE = ("set up", "sweep SES", "look at SES", "sweep SES again", "sweep database", "prune the audit log")
TIMEOUT_SECONDS = 1800.0
NOTES = f"""Medians of {ROUNDS}, in one process without a rate limit. Most tasks run twice a second, the end of grace periods
every 10 seconds."""

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Cost:
    statements: int
    milliseconds: float


def measure() -> str:
    """Run the part `undo`. Workers and the emulator run in this process, so that it can be filled without HTTP."""
    port = urlsplit(os.environ["AWS_ENDPOINT_URL"]).port
    assert port is not None
    emulator = Emulator(port=port)
    emulator.start()
    try:
        return _Undo(emulator).text()
    finally:
        emulator.stop()


class _Undo:
    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        progress(f"Writing {LIVE + HELD} domains …")
        account = seeding.create_account("undo")
        self._live = seeding.create_domains(account.owner, (f"live{number}.example.com" for number in range(LIVE)))
        self._held = seeding.create_domains(account.owner, (f"held{number}.example.net" for number in range(HELD)))
        seeding.create_addresses([*self._live, *self._held], account.endpoint_id, ADDRESSES_EACH)
        now = timezone.now()
        Domain.objects.update(next_check=now + timedelta(days=1))
        MailSweep.objects.bulk_create(
            MailSweep(domain=row, due_at=now + timedelta(days=1), deliver_since=now) for row in self._live
        )

    def text(self) -> str:
        # As if the others did not exist.
        Domain.objects.filter(pk__in=[row.pk for row in self._held]).update(deleting_since=timezone.now())
        self._confirm()
        before = self._costs()
        progress(f"{HELD} domains are in their grace periods …")
        self._hold()
        after = self._costs()
        rows = [
            [
                name,
                str(before[name].statements),
                f"{before[name].milliseconds:.1f}",
                str(after[name].statements),
                f"{after[name].milliseconds:.1f}",
            ]
            for name in before
        ]
        total = [
            [
                "all of it",
                *(
                    f"{value:,.1f}"
                    for side in (before, after)
                    for value in (_sum(side, "statements"), _sum(side, "milliseconds"))
                ),
            ]
        ]
        head = ["TASK", "SQL", "MS", f"SQL, {HELD:,} HELD", "MS"]
        return f"{table(head, rows + total)}\n\n{NOTES}\n\n{self._end()}"

    def _hold(self) -> None:
        now, until = timezone.now(), timezone.now() + timedelta(days=30)
        pks = [row.pk for row in self._held]
        Domain.objects.filter(pk__in=pks).update(restorable_until=until, next_check=now - timedelta(days=1))
        DomainDeletion.objects.bulk_create(
            [
                DomainDeletion(
                    domain_id=row.pk,
                    name=row.name,
                    owner=row.owner,
                    rules=Step.DONE,
                    rules_at=now,
                    restorable_until=until,
                )
                for row in self._held
            ],
            batch_size=seeding.BATCH,
        )
        MailSweep.objects.bulk_create(MailSweep(domain=row, due_at=until, deliver_since=now) for row in self._held)
        self._confirm()

    def _confirm(self) -> None:
        """Let SES hold what the rows want, and the ledger know it."""
        for rows in (LedgerRecipient, LedgerIdentity, LedgerEntry, DomainSync):
            rows._default_manager.all().delete()
        seeding.record_as_confirmed()
        self._emulator.reset()
        fill(self._emulator, desired_of(ses_config(), None))
        seeding.analyze()

    def _costs(self) -> dict[str, Cost]:
        worker = Worker()
        worker.tick()
        steps: dict[str, Work] = {task.name: task.run for task in worker._tasks if task.name not in RARE}
        steps |= {
            "claim a sweep of stored mail": claim_sweep,
            "claim deliveries": lambda: claim(50),
            "note 100 mails": self._note,
        }
        return {name: _cost(step) for name, step in steps.items()}

    def _note(self) -> None:
        """Of live domains and of as many others."""
        now, number = timezone.now(), time.monotonic_ns()
        note(
            [
                Arrival(
                    bucket=ses_config().bucket, key=f"{row.key_prefix}m{number}", domain_name=row.name, domain_id=row.pk,
                    ses_id=f"m{number}", recipients=(f"a0@{row.name}",), arrived_at=now,
                )
                for row in [*self._live[:50], *self._held[:50]]
            ],
            source=Message.Source.QUEUE,
        )  # fmt: skip

    def _end(self) -> str:
        names = [row.name for row in self._held[:ENDED]]
        over = timezone.now() - timedelta(seconds=1)
        for rows in (Domain.objects.all(), DomainDeletion.objects.all()):
            rows.filter(name__in=names).update(restorable_until=over)
        # The requests that began them have ended long ago.
        DomainDeletion.objects.update(started_at=over - timedelta(days=1))
        self._emulator.clear_journal()
        worker, statements = Worker(), _Counter()
        left = DomainDeletion.objects.filter(name__in=names, finished_at=None)
        began = time.monotonic()
        with connection.execute_wrapper(statements):
            while left.exists():
                for task in worker._tasks:
                    task.due = 0.0 if task.name not in RARE else task.due
                worker.tick(once=False)
                if time.monotonic() - began > TIMEOUT_SECONDS:
                    raise RuntimeError(f"{left.count()} deletions are not finished.")
        seconds = time.monotonic() - began
        calls = [call["action"] for call in self._emulator.journal()]
        if DomainDeletion.objects.in_grace().count() != HELD - ENDED:
            raise RuntimeError("Another period has ended.")
        return (
            f"{ENDED:,} periods that are over at once: all deleted for good after {seconds:.0f} s, "
            f"{statements.number / ENDED:.1f} statements each, {calls.count('DeleteEmailIdentity'):,} identities deleted, "
            f"{len(calls):,} calls to AWS."
        )


class _Counter:
    def __init__(self) -> None:
        self.number = 0

    def __call__(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        self.number += 1
        return execute(*arguments)


def _cost(step: Work) -> Cost:
    counted, seconds = _Counter(), []
    for _ in range(ROUNDS):
        counted.number = 0
        with connection.execute_wrapper(counted):
            began = time.perf_counter()
            step()
            seconds.append(time.perf_counter() - began)
    return Cost(counted.number, 1000 * median(seconds))


def _sum(costs: dict[str, Cost], what: str) -> float:
    return float(sum(getattr(cost, what) for cost in costs.values()))
