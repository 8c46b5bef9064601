"""The protocol's steps, one at a time, so that a test can put them in any order and lose any answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from ses_integration.aws import clients
from ses_integration.conf import ses_config
from ses_integration.coordination import lease
from ses_integration.drift.sweep import sweep_database
from ses_integration.errors import AlreadyExists, NotFound, Refused, Unanswered
from ses_integration.models import DomainSync, InFlightCall, Lease, LedgerEntry
from ses_integration.reconcile import intent, loop, send
from ses_integration.reconcile import record as recording
from ses_integration.reconcile.outbox import generation
from ses_integration.reconcile.steps import Answer, Intent, PassState, Settled, Step
from ses_integration.status import confirmation
from ses_integration.tests.fake_domains import DOMAIN

PATIENCE_SECONDS = 60.0


class Writer:
    """A request or a worker at work on one domain, which may stop anywhere."""

    def __init__(self, domain: str = DOMAIN) -> None:
        self.config = ses_config()
        self.domain = domain
        self.held = self._take()
        self.intent: Intent | None = None

    def _take(self) -> lease.HeldLease:
        expire_lease()
        held = lease.acquire(self.config)
        assert held is not None
        return held

    def plan(self) -> Step:
        """T2."""
        step = intent.next_step(PassState(self.config, self.held, self.domain))
        self.intent = step if isinstance(step, Intent) else None
        return step

    def send(self) -> Answer:
        """C, and what came back."""
        assert self.intent is not None
        return send.send_once(self.config, self.intent, time.monotonic() + PATIENCE_SECONDS)

    def record(self, answer: Answer) -> None:
        """T3."""
        assert self.intent is not None
        recording.record(self.config, self.held, self.intent, answer)

    def call(self) -> Answer:
        """T2, C and T3 without trouble."""
        self.plan()
        answer = self.send()
        self.record(answer)
        return answer

    def call_without_answer(self) -> Intent:
        """T2, then nothing comes back: the call may have been applied, be lost, or land later."""
        self.plan()
        assert self.intent is not None
        self.record(Answer(error=Unanswered("no answer")))
        return self.intent

    def call_refused(self) -> None:
        self.plan()
        self.record(Answer(error=Refused("throttled")))

    def lands(self, late: Intent) -> None:
        """A call that its sender had given up is applied now, or refused, and nobody hears of it."""
        with suppress(AlreadyExists, NotFound):
            send._call_aws(self.config, late.call, time.monotonic() + PATIENCE_SECONDS)

    def finish(self) -> None:
        """T2, C and T3 until T2 finds nothing more to do."""
        for _ in range(20):
            if isinstance(self.plan(), Settled):
                return
            if self.intent is None:
                raise AssertionError("held back")
            self.record(self.send())
        raise AssertionError("no end")


def worker() -> None:
    """K: whatever is owed, and only that. Whoever had the lease is paused or dead."""
    expire_lease()
    loop.reconcile_due()


def worker_and_database_sweep() -> None:
    """All that heals without asking SES what it holds."""
    worker()
    sweep_database()
    worker()


def expire_lease() -> None:
    Lease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def settle(*intents: Intent) -> None:
    """Time passes until these calls, or all that are unanswered, cannot be applied any more, and back-off is over."""
    unknown_outcomes = InFlightCall.objects.all()
    if intents:
        unknown_outcomes = unknown_outcomes.filter(pk__in=[intent.in_flight_id for intent in intents])
    unknown_outcomes.update(until=timezone.now() - timedelta(seconds=1))
    DomainSync.objects.update(retry_at=None)


def pass_time(seconds: float) -> None:
    """The same for some seconds, whatever they bring."""
    InFlightCall.objects.update(until=F("until") - timedelta(seconds=seconds))
    DomainSync.objects.update(retry_at=F("retry_at") - timedelta(seconds=seconds))
    expire_lease()


def ledger_of(name: str) -> LedgerEntry:
    return LedgerEntry.objects.get(name=name)


def said_gone(address: str, since: int | None = None) -> bool:
    """W: what a request would answer that removed `address` with generation `since` (default: the last one)."""
    return confirmation.recipient_gone(DOMAIN, address, generation(DOMAIN) if since is None else since)


@contextmanager
def asleep_before_signing(meanwhile: Callable[[], None]) -> Iterator[None]:
    """The v1 call inside falls asleep when it is about to be signed; `meanwhile` happens, and an hour is gone."""
    events = clients.ses(ses_config().region, PATIENCE_SECONDS).meta.events
    slept = 0.0

    def fall_asleep(**_: Any) -> None:
        nonlocal slept
        events.unregister("before-sign", fall_asleep)
        meanwhile()
        slept = 3600.0

    events.register("before-sign", fall_asleep)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clients, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + slept))
        yield
    assert slept, "nothing was signed"
