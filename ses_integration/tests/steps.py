"""The protocol's steps, one at a time, so that a test can put them in any order and lose any answer."""

from __future__ import annotations

import time
from datetime import timedelta

from django.utils import timezone

from ses_integration import convergence, lease, ledger
from ses_integration.config import ses_config
from ses_integration.errors import Refused, SesError, Unanswered
from ses_integration.ledger import Answer, Intent, Step
from ses_integration.models import Lease, LedgerEntry, UnansweredCall
from ses_integration.tests.rows import DOMAIN


class Writer:
    """A request or a worker at work on one domain, which may stop anywhere."""

    def __init__(self, domain: str = DOMAIN) -> None:
        self.config = ses_config()
        self.domain = domain
        self.held = self._take()
        self.intent: Intent | None = None

    def _take(self) -> lease.Held:
        # Whoever had it is paused or dead, and its lease has run out.
        Lease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        held = lease.acquire(self.config)
        assert held is not None
        return held

    def plan(self) -> Step:
        """T2."""
        step = ledger.next_step(self.config, self.held, self.domain, failed=(), gathered=None)
        self.intent = step if isinstance(step, Intent) else None
        return step

    def send(self) -> Answer:
        """C, and what came back."""
        assert self.intent is not None
        try:
            return convergence._send(self.config, self.intent.call, time.monotonic() + 5)
        except SesError as error:
            return Answer(error=error)

    def record(self, answer: Answer) -> None:
        """T3."""
        assert self.intent is not None
        ledger.record(self.config, self.held, self.intent, answer)

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

    def lands(self, intent: Intent) -> None:
        """A call that its sender had given up is applied now."""
        convergence._send(self.config, intent.call, time.monotonic() + 5)

    def finish(self) -> None:
        """T2, C and T3 until T2 finds nothing more to do."""
        for _ in range(20):
            if isinstance(self.plan(), ledger.Settled):
                return
            if self.intent is None:
                raise AssertionError("held back")
            self.record(self.send())
        raise AssertionError("no end")


def settle() -> None:
    """Time passes until no unanswered call can be applied any more."""
    UnansweredCall.objects.update(until=timezone.now() - timedelta(seconds=1))


def ledger_of(name: str) -> LedgerEntry:
    return LedgerEntry.objects.get(name=name)
