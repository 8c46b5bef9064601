"""The world of the state machine: two owners, three names, one SES; what was promised of it, and what must always hold."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import hypothesis
from django.contrib.auth.models import User
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from rest_framework.test import APIClient

from domains.models import DomainDeletion
from inbound.models import issue_key
from inbound.tests.factories import EndpointFactory, UserFactory
from inbound.tests.life.rows import HeldRule, Life, empty_tables, learned_limit, stored_lives, wanted_rules
from inbound.tests.life.seen_ses import LateCall, SeenSes, late_calls, look
from inbound.tests.seen import stored
from inbound.worker import Worker
from ses_integration import clients, setup
from ses_integration.config import ses_config
from ses_integration.emulator.server import Emulator
from ses_integration.ledger import Answer
from ses_integration.models import DomainMark, Lease, LedgerEntry, UnansweredCall
from ses_integration.planning import Kind, Known
from ses_integration.tests.steps import Writer

# A name, one below it that only the same owner may have beside it, and one whose rules cannot carry its name.
NAMES = ("one.com", "sub.one.com", f"{'long' * 14}.com")
LOCALS = ("a", "b", "c", "d")
# Below the shortest back-off, so that a request that met a fault does not wait for the next try.
PATIENT_SECONDS = 0.45
FOREIGN_RULE = "theirs-rule"
ROUNDS_TO_REST = 15

names, locals_, owners = st.sampled_from(NAMES), st.sampled_from(LOCALS), st.sampled_from([0, 1])
picks = st.integers(0, 11)


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
                self.learn()

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
        self.learned: int | None = None
        self.late: list[LateCall] = []
        self.writers: list[tuple[Writer, Answer | None] | None] = [None, None]
        # Keys of stored mail, and prefixes of lives that nobody deleted through a door of ours.
        self.mail: list[str] = []
        self.abandoned: set[str] = set()
        self.read_journal()

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
        setup.prepare(ses_config())
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

    def learn(self) -> None:
        """The product may have found out that SES takes fewer recipients: every domain is compiled otherwise then."""
        learned = learned_limit()
        if learned != self.learned:
            self.bypassed.update(NAMES)
        self.learned = learned

    def lease_runs_out(self) -> None:
        Lease.objects.update(expires_at=_past(), wanted_until=None)

    def next_attempts_come(self) -> None:
        DomainMark.objects.update(next_attempt=None)
        DomainDeletion.objects.update(next_attempt=None)

    def calls_settle(self) -> None:
        """What had no answer so far can no longer be applied; an answer that is still to be recorded may be."""
        self.late.clear()
        self.writers = [slot if slot and slot[1] else None for slot in self.writers]
        UnansweredCall.objects.update(until=_past())

    def waiting(self, *, patient: bool) -> None:
        """What is asked from now on waits for SES and takes over from whoever is paused, or does not wait at all."""
        self.lease_runs_out()
        self.settings.SES_REQUEST_BUDGET = PATIENT_SECONDS if patient else 0.0

    def ask(self, owner: int, method: str, path: str, body: object = None, *, patient: bool) -> Any:
        """The API's answer."""
        self.waiting(patient=patient)
        return getattr(self.clients[owner], method)(f"/api/v2{path}", body)

    # What must always hold

    @invariant()
    def everything_promised_holds(self) -> None:
        with self.telling():
            self._everything_promised_holds()

    def _everything_promised_holds(self) -> None:
        self.whole = False
        seen = look(self.ses)
        for name, held in seen.rules.items():
            assert held.recipients, f"{name} takes everybody's mail."
        for recipient in sorted(self.gone):
            assert not seen.holds(recipient), f"{recipient} was reported gone, and SES holds it."
        for name in sorted(self.identity_gone):
            assert name not in seen.identities, f"The identity {name} was reported gone, and SES holds it."
        self._rows_are_as_told()
        self._everything_is_in_the_ledger(seen)
        self._ledger_is_right_where_it_has_no_doubt(seen)
        self._differences_are_owed(seen)
        assert FOREIGN_RULE in seen.rules or not self.foreign_rule, "Somebody else's rule was deleted."
        assert self.foreign <= seen.identities.keys(), "Somebody else's identity was deleted."
        assert not self.complaints.texts, "\n".join(self.complaints.texts)
        self.whole = True

    def _rows_are_as_told(self) -> None:
        told = {
            name: Life(self.users[life.owner].pk, life.pk, life.addresses, life.catch_all)
            for name, life in self.lives.items()
        }
        assert stored_lives() == told

    def _everything_is_in_the_ledger(self, seen: SeenSes) -> None:
        entries = set(LedgerEntry.objects.values_list("kind", "name"))
        assert {(Kind.RULE.value, name) for name in seen.rules.keys() - {FOREIGN_RULE}} <= entries
        assert {(Kind.IDENTITY.value, name) for name in seen.identities.keys() - self.foreign} <= entries

    def _ledger_is_right_where_it_has_no_doubt(self, seen: SeenSes) -> None:
        sure = LedgerEntry.objects.filter(unanswered=None).exclude(known=Known.UNKNOWN)
        for entry in sure.exclude(domain__in=self.disturbed).prefetch_related("recipients"):
            if entry.kind == Kind.IDENTITY:
                assert (entry.name in seen.identities) == (entry.known == Known.PRESENT), f"{entry}"
                continue
            known = {recipient.recipient for recipient in entry.recipients.all()}
            held = seen.rules.get(entry.name, HeldRule(frozenset(), ""))
            assert held.recipients == known, f"{entry} with {sorted(known)}, but SES has {sorted(held.recipients)}."

    def _differences_are_owed(self, seen: SeenSes) -> None:
        marks = {mark.domain for mark in DomainMark.objects.all() if mark.owed}
        doubts = set(UnansweredCall.objects.values_list("entry__domain", flat=True))
        for name in sorted(set(NAMES) - marks - doubts - self.disturbed - self.bypassed):
            self._follows(name, seen)

    def _follows(self, name: str, seen: SeenSes) -> None:
        wanted, held = wanted_rules(name), seen.rules_of(name)
        assert held == wanted, f"SES holds {held} for {name}, and the rows want {wanted}."
        there = name in self.lives or name in self.foreign
        assert (name in seen.identities) == there, f"{name} has {'no' if there else 'an'} identity."

    # Rest

    def come_to_rest(self) -> None:
        """AWS behaves, time passes, the worker does what is owed, and both sweeps look: then SES equals the rows."""
        self.ses.clear_faults()
        self.writers = [None, None]
        self.prepare_ses()
        self.waiting(patient=False)
        quiet = 0
        for _ in range(ROUNDS_TO_REST):
            self.calls_settle()
            self.next_attempts_come()
            quiet = quiet + 1 if self._owes_nothing() else 0
            if quiet == 2:
                break
            self.lease_runs_out()
            Worker().tick()
        else:
            raise AssertionError(f"No rest after {ROUNDS_TO_REST} rounds: {self._owed()}")
        self.disturbed.clear()
        self.bypassed.clear()
        self.read_journal()
        self._everything_promised_holds()
        self._is_equal()

    def _owed(self) -> list[object]:
        return [
            *(mark for mark in DomainMark.objects.all() if mark.owed),
            *UnansweredCall.objects.all(),
            *DomainDeletion.objects.owed(),
        ]

    def _owes_nothing(self) -> bool:
        return not self._owed()

    def _is_equal(self) -> None:
        seen = look(self.ses)
        everything = {name: held for domain in NAMES for name, held in wanted_rules(domain).items()}
        assert {name: held for name, held in seen.rules.items() if name != FOREIGN_RULE} == everything
        assert seen.identities.keys() == self.lives.keys() | self.foreign
        for name in self.lives.keys() - self.foreign:
            assert seen.identities[name].mail_from == f"mail.{name}"
        kept = {f"emails/{name}/{life.pk}/" for name, life in self.lives.items()} | self.abandoned
        assert stored() == sorted(key for key in self.mail if key.rpartition("/")[0] + "/" in kept)

    def teardown(self) -> None:
        if self.whole:
            with self.telling():
                self.come_to_rest()


def _past() -> Any:
    return timezone.now() - timedelta(seconds=1)
