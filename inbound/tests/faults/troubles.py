"""What can happen at one SES call: a fault that the emulator has to order, or somebody who tidies up just before it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from django.core.management import call_command

from inbound.tests.aws import identities, rules
from inbound.tests.faults.world import World
from ses_integration.aws import clients
from ses_integration.conf import ses_config
from ses_integration.emulator.journal import NO_ANSWER
from ses_integration.tests.emulator.clients import client, control

NO_ANSWER_CAME = "AWS gave no answer."


@dataclass(frozen=True)
class Trouble:
    """`at(world, stem, n)`: inside, call number n, from 0, meets it; yields a function that says whether it has by now.

    One that `goes_on` meets every later call as well. `sentence` is what people are told of it. `at_looks`: it stands for
    all others where a command only looks.
    """

    name: str
    at: Callable[[World, str, int], AbstractContextManager[Callable[[], bool]]]
    by_somebody_else: bool = False
    lands_late: bool = False
    goes_on: bool = False
    untags: bool = False
    sentence: str = ""
    at_looks: bool = False


def _fault(kind: str, *, times: int | None = 1) -> Callable[[World, str, int], Any]:
    @contextmanager
    def at(world: World, stem: str, number: int) -> Iterator[Callable[[], bool]]:
        world.ses.add_faults({"fault": kind, "skip": number, "times": times})
        try:
            yield lambda: bool(in_flight(world)) or not _still_ordered(world)
        finally:
            world.ses.clear_faults()

    return at


def _still_ordered(world: World) -> bool:
    _, faults = control(world.ses.url, "GET", "/_faults")
    return bool(faults)


def _somebody(removes: Callable[[World, str], None]) -> Callable[[World, str, int], Any]:
    @contextmanager
    def at(world: World, stem: str, number: int) -> Iterator[Callable[[], bool]]:
        sent: list[str] = []

        def just_before(event_name: str, **_: Any) -> None:
            sent.append(event_name)
            if len(sent) == number + 1:
                removes(world, stem)

        try:
            with _told_of_every_call(just_before):
                yield lambda: len(sent) > number
        finally:
            # What our sentence tells people to do where the rule set is missing. It makes no rule.
            call_command("ses_setup", verbosity=0)

    return at


@contextmanager
def _told_of_every_call(listener: Callable[..., None]) -> Iterator[None]:
    """By each client that the application may send to SES with, right before it does."""
    waits = range(2, clients.READ_TIMEOUT + 1)
    emitters = [make(ses_config().region, wait).meta.events for make in (clients.ses, clients.sesv2) for wait in waits]
    for emitter in emitters:
        emitter.register("before-send", listener)
    try:
        yield
    finally:
        for emitter in emitters:
            emitter.unregister("before-send", listener)


def _remove_rules(world: World, stem: str) -> None:
    for name in rules(world.ses):
        if f"-{stem}." in name:
            client("ses", world.ses.url).delete_receipt_rule(RuleSetName=ses_config().rule_set, RuleName=name)


def _remove_rule_set(world: World, stem: str) -> None:
    """Everybody's, and an active one cannot be deleted."""
    client("ses", world.ses.url).set_active_receipt_rule_set()
    client("ses", world.ses.url).delete_receipt_rule_set(RuleSetName=ses_config().rule_set)


def _remove_identities(world: World, stem: str) -> None:
    for name in identities(world.ses):
        if name.startswith(f"{stem}."):
            client("sesv2", world.ses.url).delete_email_identity(EmailIdentity=name)


def in_flight(world: World) -> list[dict[str, Any]]:
    """The calls in the journal whose connection was closed without an answer."""
    return [call for call in world.ses.journal() if call["status"] == NO_ANSWER]


def land(world: World, call: dict[str, Any]) -> None:
    """A call that was not applied when it was sent is applied now, long after its sender has given up."""
    method = re.sub(r"(?<!^)(?=[A-Z])", "_", call["action"]).lower()
    # SES may refuse it by now, such as a creation of what is there.
    with suppress(ClientError):
        getattr(client(call["service"], world.ses.url), method)(**call["parameters"])


TROUBLES = [
    Trouble("throttle", _fault("throttle"), sentence="AWS is taking fewer calls than we make."),
    Trouble("fail", _fault("fail"), sentence="AWS answered with an error of its own."),
    Trouble("access-denied", _fault("access_denied"), sentence="the credentials lack a permission", at_looks=True),
    Trouble("dropped", _fault("dropped"), sentence=NO_ANSWER_CAME),
    Trouble("lost", _fault("lost"), sentence=NO_ANSWER_CAME),
    Trouble("late", _fault("dropped"), sentence=NO_ANSWER_CAME, lands_late=True),
    Trouble("outage-from-here-on", _fault("dropped", times=None), sentence=NO_ANSWER_CAME, goes_on=True),
    Trouble("rules-removed", _somebody(_remove_rules), by_somebody_else=True),
    Trouble("rule-set-removed", _somebody(_remove_rule_set), by_somebody_else=True, sentence="run ses_setup"),
    # v1 verification puts back what went just before it, without our tag
    # (docs/architecture/ses.md, "Tags and ownership").
    Trouble("identity-removed", _somebody(_remove_identities), by_somebody_else=True, untags=True),
]
