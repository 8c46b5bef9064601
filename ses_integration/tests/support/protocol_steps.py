"""Run the steps of a pass one at a time, so that a test can order them freely and lose answers."""

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

from ses_integration.aws import clients, events
from ses_integration.conf import ses_config
from ses_integration.coordination import lease
from ses_integration.drift.sweep import sweep_database
from ses_integration.errors import AlreadyExists, NotFound, Refused, Unanswered
from ses_integration.models import DomainSync, InFlightCall, Lease, LedgerEntry
from ses_integration.reconcile import loop, send, step
from ses_integration.reconcile.outbox import generation
from ses_integration.reconcile.values import Answer, Answered, Intent, PassState, Settled, Step
from ses_integration.status import confirmation
from ses_integration.tests.support.fake_domains import DOMAIN

PATIENCE_SECONDS = 60.0


class Writer:
    """A process that holds the lease and works on one domain. A test can stop it after any step.

    Each new writer takes the lease from the one before, as if that had crashed or paused.
    """

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
        """Plan, and write the intent if there is a call to make. Takes the lease again if the domain was settled before."""
        if self.held.released:
            self.held = self._take()
        # Enough time has passed that no batch is waited for.
        DomainSync.objects.update(batch_until=None)
        return self._take_step(step.advance(PassState(self.config, self.domain, self.held)))

    def send(self) -> Answer:
        """Send the planned call and return its answer."""
        assert self.intent is not None
        return send.send_once(self.config, self.intent, time.monotonic() + PATIENCE_SECONDS)

    def record(self, answer: Answer) -> Step:
        """Record the answer to the planned call, as a process without time for another call does."""
        return self.record_and_plan(answer, may_call=False)

    def record_and_plan(self, answer: Answer, *, may_call: bool = True) -> Step:
        """Record the answer to the planned call, and in the same transaction write the next intent, if there is one."""
        assert self.intent is not None
        state = PassState(self.config, self.domain, self.held, has_called=True)
        return self._take_step(step.advance(state, Answered(self.intent, answer), may_call=may_call))

    def _take_step(self, found: Step) -> Step:
        self.intent = found if isinstance(found, Intent) else None
        return found

    def call(self) -> Answer:
        """Plan, send and record one call."""
        self.plan()
        answer = self.send()
        self.record(answer)
        return answer

    def call_without_answer(self) -> Intent:
        """Plan a call and get no answer to it. The call is not applied, until `apply_late`."""
        self.plan()
        late = self.intent
        assert late is not None
        self.record(Answer(error=Unanswered("no answer")))
        return late

    def call_refused(self) -> None:
        self.plan()
        self.record(Answer(error=Refused("throttled")))

    def apply_late(self, late: Intent) -> None:
        """Let SES apply, or refuse, a call that its sender has given up. Nobody gets the answer."""
        with suppress(AlreadyExists, NotFound):
            send._call_aws(self.config, late.call, time.monotonic() + PATIENCE_SECONDS)

    def finish(self) -> None:
        """Run passes until the domain is settled."""
        for _ in range(20):
            if isinstance(self.plan(), Settled):
                return
            if self.intent is None:
                raise AssertionError("The domain is blocked.")
            if isinstance(self.record(self.send()), Settled):
                return
        raise AssertionError("The pass does not end.")


def run_worker() -> None:
    """Let the worker reconcile all domains that are due. The holder of the lease is paused or dead."""
    expire_lease()
    loop.reconcile_due()


def run_worker_and_database_sweep() -> None:
    """Do everything that repairs without asking SES what it holds."""
    run_worker()
    sweep_database()
    run_worker()


def expire_lease() -> None:
    Lease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def settle_calls(*intents: Intent) -> None:
    """Let time pass until these calls (default: all in flight) can no longer be applied and back-off is over."""
    unknown_outcomes = InFlightCall.objects.all()
    if intents:
        unknown_outcomes = unknown_outcomes.filter(pk__in=[intent.in_flight_id for intent in intents])
    unknown_outcomes.update(until=timezone.now() - timedelta(seconds=1))
    DomainSync.objects.update(retry_at=None)


def pass_time(seconds: float) -> None:
    """Let some seconds pass for calls in flight, back-off and lease."""
    InFlightCall.objects.update(until=F("until") - timedelta(seconds=seconds))
    DomainSync.objects.update(retry_at=F("retry_at") - timedelta(seconds=seconds))
    expire_lease()


def ledger_entry(name: str) -> LedgerEntry:
    return LedgerEntry.objects.get(name=name)


def is_reported_gone(address: str, since: int | None = None) -> bool:
    """Whether a request that removed `address` with generation `since` (default: the latest) would report it as gone."""
    return not confirmation.recipients_left(DOMAIN, [address], generation(DOMAIN) if since is None else since)


@contextmanager
def asleep_before_signing(meanwhile: Callable[[], None]) -> Iterator[None]:
    """Let the v1 call inside sleep for an hour before it is signed, and run `meanwhile` during that."""
    emitter = clients.ses(ses_config().region, PATIENCE_SECONDS).meta.events
    slept = 0.0

    def fall_asleep(**_: Any) -> None:
        nonlocal slept
        emitter.unregister("before-sign", fall_asleep)
        meanwhile()
        slept = 3600.0

    emitter.register("before-sign", fall_asleep)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(events, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + slept))
        yield
    assert slept, "nothing was signed"
