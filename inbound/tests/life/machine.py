"""The base of the state machine: two owners, three domain names, one SES, and what answers said about it."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import hypothesis
from django.contrib.auth.models import User
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from rest_framework.test import APIClient

from domains.models import DomainDeletion
from inbound.models import issue_key
from inbound.tests.life.observed import LateCall, late_calls, observe_ses
from inbound.tests.life.rows import Held, TrackedDomain
from inbound.tests.support.database import empty_tables
from inbound.tests.support.factories import EndpointFactory, UserFactory
from ses_integration.aws import clients
from ses_integration.conf import ses_config
from ses_integration.drift.sweep import sweep_database
from ses_integration.emulator.server import Emulator
from ses_integration.models import DomainSync, InFlightCall, Lease
from ses_integration.reconcile.values import Answer
from ses_integration.setup.prepare import prepare
from ses_integration.tests.support.protocol_steps import Writer

# A name, its sub-domain (only the same owner may add that), and a name that is too long for rule names.
NAMES = ("one.com", "sub.one.com", f"{'long' * 14}.com")
LOCALS = ("a", "b", "c", "d")
# Below the shortest back-off, so that a request does not wait for a retry. On a slow machine the budget is larger.
SHORT_BUDGET = 0.45
FOREIGN_RULE = "theirs-rule"

# Mostly one name, so that the steps affect each other.
names, locals_, owners = st.sampled_from([*NAMES, NAMES[0], NAMES[0]]), st.sampled_from(LOCALS), st.sampled_from([0, 1])
picks = st.integers(0, 11)


@dataclass(frozen=True)
class Mode:
    """How a request or the worker meets SES: whether it waits, and which call (from 0) meets which fault."""

    waits: bool = True
    fault: str = ""
    call: int = 0

    def __repr__(self) -> str:
        if not self.waits:
            return "without waiting"
        return f"call {self.call} {self.fault}" if self.fault else "without faults"


FAULTS = ("throttle", "fail", "access_denied", "dropped", "lost")
modes = st.sampled_from(
    [
        *[Mode()] * 4,
        *[Mode(waits=False)] * 2,
        *[Mode(fault=fault, call=call) for fault in ("dropped", "dropped", "lost", "throttle") for call in (0, 1)],
        Mode(fault="fail"),
        Mode(fault="access_denied"),
    ]
)


def step(**strategies: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Any]:
    """A rule of the machine. After it, calls without an answer are collected so that a rule can apply them later."""

    def decorate(run: Callable[..., None]) -> Any:
        @functools.wraps(run)
        def inner(self: MachineBase, **drawn: Any) -> None:
            self.steps_complete = False
            self.run_log.steps += 1
            self.note(f"{run.__name__} {drawn or ''}")
            with self.recording_first_failure():
                run(self, **drawn)
                self.read_journal()
                self.set_faults()

        as_rule: Any = rule(**strategies)  # type: ignore[call-overload]
        return as_rule(inner)

    return decorate


class RunLog(logging.Handler):
    """What happens in a test, in all examples: the number of steps, the history of the first failure, and the errors that the
    product logs, each of which is a bug."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.steps = 0
        self.first_failure: list[str] = []
        self.errors: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.errors.append(logging.Formatter("%(name)s: %(message)s").format(record))


class MachineBase(RuleBasedStateMachine):
    def __init__(self, ses: Emulator, settings: Any, run_log: RunLog) -> None:
        super().__init__()
        self.ses, self.settings, self.run_log = ses, settings, run_log
        self.steps_complete = False
        self.history: list[str] = []
        run_log.errors.clear()
        empty_tables()
        ses.reset()
        settings.SES_MAX_RECIPIENTS_PER_RULE = 2
        self.prepare_ses()
        # As a worker does when it starts. Without it, every pass would read whole domains.
        sweep_database()
        self.clients: list[APIClient] = []
        self.users: list[User] = []
        self.endpoints: list[list[str]] = []
        for number in (0, 1):
            user = UserFactory(username=f"owner{number}")
            _, key = issue_key(owner=user, name="life")
            client = APIClient()
            client.default_format = "json"
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
            self.users.append(user)
            self.clients.append(client)
            self.endpoints.append([EndpointFactory(owner=user).pk])
        self.tracked_domains: dict[str, TrackedDomain] = {}
        # Deleted domains in their grace period.
        self.held: dict[str, Held] = {}
        # The id of the last domain of each name, also after its deletion.
        self.last_domains: dict[str, str] = {}
        # Recipients and identities that were reported gone, until a request wants them again.
        self.reported_gone: set[str] = set()
        self.identity_reported_gone: set[str] = set()
        # Identities that somebody else created, and domains that were changed in SES or by SQL without our knowledge.
        self.foreign_identities: set[str] = set()
        self.changed_in_ses: set[str] = set()
        self.changed_by_sql: set[str] = set()
        self.budget = 30.0
        self.outage: list[dict[str, Any]] = []
        self.late: list[LateCall] = []
        self.writers: list[tuple[Writer, Answer | None] | None] = [None, None]
        # Keys of stored mail, and key prefixes of domains that nobody deleted through the product.
        self.mail: list[str] = []
        self.abandoned_prefixes: set[str] = set()

    # Reporting

    def note(self, text: str) -> None:
        """Add a line to the falsifying example that Hypothesis prints."""
        self.history.append(text)
        hypothesis.note(f"  {text}")

    @contextmanager
    def recording_first_failure(self) -> Iterator[None]:
        """Keep the first failure as it happened: one that depends on timing may not happen again."""
        try:
            yield
        except Exception as error:
            self.run_log.first_failure = self.run_log.first_failure or [*self.history, repr(error)]
            raise

    # AWS and time

    def prepare_ses(self) -> None:
        """Bring SES into the state after `ses_setup`, with one foreign rule."""
        self.settings.SES_AUTO_SETUP = True
        prepare(ses_config())
        self.settings.SES_AUTO_SETUP = False
        if FOREIGN_RULE not in observe_ses(self.ses).rules:
            clients.ses("eu-west-1").create_receipt_rule(
                RuleSetName=ses_config().rule_set, Rule={"Name": FOREIGN_RULE, "Recipients": ["x@theirs.org"]}
            )
        self.foreign_rule = True

    def read_journal(self) -> None:
        for entry in self.ses.journal():
            if entry["action"] in ("CreateReceiptRule", "UpdateReceiptRule"):
                assert entry["parameters"]["Rule"].get("Recipients"), "A rule without recipients was sent."
        found = late_calls(self.ses)
        for call in found:
            self.note(f"unanswered: {call}")
        self.late += found
        self.ses.clear_journal()

    def expire_lease(self) -> None:
        Lease.objects.update(expires_at=_past(), requested_until=None)

    def end_backoffs(self) -> None:
        DomainSync.objects.update(retry_at=None)
        DomainDeletion.objects.update(retry_at=None)

    def settle_everything(self, applied: bool) -> None:
        """End the time in which unanswered calls may be applied; if `applied`, they are applied at the last moment."""
        if applied:
            for call in self.late:
                self.note(f"{call}")
                self.without_faults(call.apply, self.ses)
        self.expire_unanswered_calls()

    def expire_unanswered_calls(self) -> None:
        """Make it too late for SES to apply unanswered calls. A writer that has an answer may still record it."""
        self.late.clear()
        self.writers = [slot if slot and slot[1] else None for slot in self.writers]
        InFlightCall.objects.update(until=_past())

    def set_faults(self, *more: dict[str, Any]) -> None:
        """Set the faults of the current outage, and `more` for the next step."""
        self.ses.clear_faults()
        for order in (*more, *self.outage):
            self.ses.add_faults({"service": "ses", **order}, {"service": "sesv2", **order})

    def work(self, mode: Mode) -> None:
        """Apply the mode to what happens next, and take the lease from a paused writer."""
        self.expire_lease()
        self.settings.SES_REQUEST_BUDGET = self.budget if mode.waits else 0.0
        if mode.fault:
            self.set_faults({"action": "*", "fault": mode.fault, "skip": mode.call})

    def without_faults(self, act: Callable[..., object], *arguments: object, **parameters: object) -> None:
        """Run `act` without faults: they are meant for calls of the product only."""
        self.ses.clear_faults()
        act(*arguments, **parameters)
        self.ses.clear_journal()
        self.set_faults()

    def call_api(self, owner: int, method: str, path: str, body: object = None, mode: Mode = Mode()) -> Any:
        """The API's answer."""
        self.work(mode)
        return getattr(self.clients[owner], method)(f"/api/v2{path}", body)


def _past() -> Any:
    return timezone.now() - timedelta(seconds=1)
