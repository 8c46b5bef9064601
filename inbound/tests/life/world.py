"""The world of the state machine: two owners, three names, one SES, and what was promised of it."""

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
from inbound.tests.database import empty_tables
from inbound.tests.factories import EndpointFactory, UserFactory
from inbound.tests.life.rows import Life
from inbound.tests.life.seen_ses import LateCall, late_calls, look
from ses_integration.aws import clients, rule_set
from ses_integration.conf import ses_config
from ses_integration.emulator.server import Emulator
from ses_integration.models import DomainSync, InFlightCall, Lease
from ses_integration.reconcile.steps import Answer
from ses_integration.tests.protocol_steps import Writer

# A name, one below it that only the same owner may have beside it, and one whose rules cannot carry its name.
NAMES = ("one.com", "sub.one.com", f"{'long' * 14}.com")
LOCALS = ("a", "b", "c", "d")
# Below the shortest back-off, so that a request that met a fault does not wait for the next try; more on a busy machine.
PATIENT_SECONDS = 0.45
FOREIGN_RULE = "theirs-rule"

# Mostly one name, so that what happens to it has to do with each other.
names, locals_, owners = st.sampled_from([*NAMES, NAMES[0], NAMES[0]]), st.sampled_from(LOCALS), st.sampled_from([0, 1])
picks = st.integers(0, 11)


@dataclass(frozen=True)
class Manner:
    """How somebody works who needs SES: waiting for it or not, and the fault that one of the calls meets, from 0."""

    patient: bool = True
    fault: str = ""
    call: int = 0

    def __repr__(self) -> str:
        if not self.patient:
            return "in a hurry"
        return f"call {self.call} {self.fault}" if self.fault else "in peace"


FAULTS = ("throttle", "fail", "access_denied", "dropped", "lost")
manners = st.sampled_from(
    [
        *[Manner()] * 4,
        *[Manner(patient=False)] * 2,
        *[Manner(fault=fault, call=call) for fault in ("dropped", "dropped", "lost", "throttle") for call in (0, 1)],
        Manner(fault="fail"),
        Manner(fault="access_denied"),
    ]
)


def step(**strategies: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Any]:
    """A rule of the machine; after it, calls without an answer are kept to land later."""

    def decorate(run: Callable[..., None]) -> Any:
        @functools.wraps(run)
        def inner(self: World, **drawn: Any) -> None:
            self.whole = False
            self.note(f"{run.__name__} {drawn or ''}")
            with self.telling():
                run(self, **drawn)
                self.read_journal()
                self.set_faults()

        as_rule: Any = rule(**strategies)  # type: ignore[call-overload]
        return as_rule(inner)

    return decorate


class Complaints(logging.Handler):
    """Errors that the product catches and logs: behind each of them is a bug. And what happened when it first failed."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []
        self.first_failure: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(logging.Formatter("%(name)s: %(message)s").format(record))


class World(RuleBasedStateMachine):
    def __init__(self, ses: Emulator, settings: Any, complaints: Complaints) -> None:
        super().__init__()
        self.ses, self.settings, self.complaints = ses, settings, complaints
        self.whole = False
        self.history: list[str] = []
        complaints.texts.clear()
        empty_tables()
        ses.reset()
        settings.SES_MAX_RECIPIENTS_PER_RULE = 2
        self.prepare_ses()
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
        self.lives: dict[str, Life] = {}
        # What was reported as gone, until somebody asks for it again: recipients, and names of identities.
        self.gone: set[str] = set()
        self.identity_gone: set[str] = set()
        # Identities that somebody else has made, and names whose part of SES or whose rows were changed past us.
        self.foreign: set[str] = set()
        self.disturbed: set[str] = set()
        self.bypassed: set[str] = set()
        self.patience = 30.0
        self.outage: list[dict[str, Any]] = []
        self.late: list[LateCall] = []
        self.writers: list[tuple[Writer, Answer | None] | None] = [None, None]
        # Keys of stored mail, and prefixes of lives that nobody deleted through a door of ours.
        self.mail: list[str] = []
        self.abandoned: set[str] = set()

    # Telling

    def note(self, text: str) -> None:
        """For the falsifying example that Hypothesis prints."""
        self.history.append(text)
        hypothesis.note(f"  {text}")

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Keeps the first failure as it happened: one that depends on the time may not happen again."""
        try:
            yield
        except Exception as error:
            self.complaints.first_failure = self.complaints.first_failure or [*self.history, repr(error)]
            raise

    # Surroundings

    def prepare_ses(self) -> None:
        """As `ses_setup` leaves it, with a rule of somebody else."""
        self.settings.SES_AUTO_SETUP = True
        rule_set.prepare(ses_config())
        self.settings.SES_AUTO_SETUP = False
        if FOREIGN_RULE not in look(self.ses).rules:
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

    def lease_runs_out(self) -> None:
        Lease.objects.update(expires_at=_past(), requested_until=None)

    def next_attempts_come(self) -> None:
        DomainSync.objects.update(retry_at=None)
        DomainDeletion.objects.update(retry_at=None)

    def everything_settles(self, landing: bool) -> None:
        """The calls without an answer land at the last moment, or never."""
        if landing:
            for call in self.late:
                self.note(f"{call}")
                self.undisturbed(call.land, self.ses)
        self.calls_settle()

    def calls_settle(self) -> None:
        """What had no answer so far can no longer be applied; an answer that is still to be recorded may be."""
        self.late.clear()
        self.writers = [slot if slot and slot[1] else None for slot in self.writers]
        InFlightCall.objects.update(until=_past())

    def set_faults(self, *more: dict[str, Any]) -> None:
        """The outage, if there is one, and what is ordered for the next step."""
        self.ses.clear_faults()
        for order in (*more, *self.outage):
            self.ses.add_faults({"service": "ses", **order}, {"service": "sesv2", **order})

    def work(self, manner: Manner) -> None:
        """Whoever works from now on does it like this, and takes over from whoever is paused."""
        self.lease_runs_out()
        self.settings.SES_REQUEST_BUDGET = self.patience if manner.patient else 0.0
        if manner.fault:
            self.set_faults({"action": "*", "fault": manner.fault, "skip": manner.call})

    def undisturbed(self, act: Callable[..., object], *arguments: object, **parameters: object) -> None:
        """Faults are meant for our own calls, and for those that have not been sent."""
        self.ses.clear_faults()
        act(*arguments, **parameters)
        self.ses.clear_journal()
        self.set_faults()

    def ask(self, owner: int, method: str, path: str, body: object = None, manner: Manner = Manner()) -> Any:
        """The API's answer."""
        self.work(manner)
        return getattr(self.clients[owner], method)(f"/api/v2{path}", body)


def _past() -> Any:
    return timezone.now() - timedelta(seconds=1)
