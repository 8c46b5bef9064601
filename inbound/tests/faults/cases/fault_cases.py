"""What can go wrong at one SES call: a fault of the emulator, or an external change right before the call."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from django.core.management import call_command

from inbound.tests.faults.installation import Installation
from inbound.tests.support.aws import identities, rules
from ses_integration.aws import clients
from ses_integration.conf import ses_config
from ses_integration.emulator.control.journal import NO_ANSWER
from ses_integration.tests.emulator.clients import client, control

NO_ANSWER_SENTENCE = "AWS gave no answer."


@dataclass(frozen=True)
class FaultCase:
    """One kind of fault.

    `inject(installation, stem, n)` is a context manager. Inside it, call number n (from 0) meets the fault. It yields a
    function that tells whether that has happened.

    - `external`: somebody else changes SES; AWS itself works.
    - `applied_late`: SES applies the call long after its sender has given up.
    - `persists`: every later call meets the fault, too.
    - `loses_tags`: the identity comes back without our tag.
    - `sentence`: what users are told.
    - `at_reads`: also injected at calls that only read. One case stands for all there.
    """

    name: str
    inject: Callable[[Installation, str, int], AbstractContextManager[Callable[[], bool]]]
    external: bool = False
    applied_late: bool = False
    persists: bool = False
    loses_tags: bool = False
    sentence: str = ""
    at_reads: bool = False


def _fault(kind: str, *, times: int | None = 1) -> Callable[[Installation, str, int], Any]:
    @contextmanager
    def inject(installation: Installation, stem: str, number: int) -> Iterator[Callable[[], bool]]:
        installation.ses.add_faults({"fault": kind, "skip": number, "times": times})
        try:
            yield lambda: bool(unanswered_calls(installation)) or not _still_waiting(installation)
        finally:
            installation.ses.clear_faults()

    return inject


def _still_waiting(installation: Installation) -> bool:
    _, faults = control(installation.ses.url, "GET", "/_faults")
    return bool(faults)


def _external_change(remove: Callable[[Installation, str], None]) -> Callable[[Installation, str, int], Any]:
    @contextmanager
    def inject(installation: Installation, stem: str, number: int) -> Iterator[Callable[[], bool]]:
        sent: list[str] = []

        def before_send(event_name: str, **_: Any) -> None:
            sent.append(event_name)
            if len(sent) == number + 1:
                remove(installation, stem)

        try:
            with _before_each_send(before_send):
                yield lambda: len(sent) > number
        finally:
            # Users are told to run this when the rule set is missing. It creates no rule.
            call_command("ses_setup", verbosity=0)

    return inject


@contextmanager
def _before_each_send(listener: Callable[..., None]) -> Iterator[None]:
    """Call `listener` right before any client of the application sends a call to SES."""
    waits = range(2, clients.READ_TIMEOUT + 1)
    emitters = [make(ses_config().region, wait).meta.events for make in (clients.ses, clients.sesv2) for wait in waits]
    for emitter in emitters:
        emitter.register("before-send", listener)
    try:
        yield
    finally:
        for emitter in emitters:
            emitter.unregister("before-send", listener)


def _remove_rules(installation: Installation, stem: str) -> None:
    for name in rules(installation.ses):
        if f"-{stem}." in name:
            client("ses", installation.ses.url).delete_receipt_rule(RuleSetName=ses_config().rule_set, RuleName=name)


def _remove_rule_set(installation: Installation, stem: str) -> None:
    """Remove the rule set with all rules in it. An active rule set cannot be deleted, so it is deactivated first."""
    client("ses", installation.ses.url).set_active_receipt_rule_set()
    client("ses", installation.ses.url).delete_receipt_rule_set(RuleSetName=ses_config().rule_set)


def _remove_identities(installation: Installation, stem: str) -> None:
    for name in identities(installation.ses):
        if name.startswith(f"{stem}."):
            client("sesv2", installation.ses.url).delete_email_identity(EmailIdentity=name)


def unanswered_calls(installation: Installation) -> list[dict[str, Any]]:
    """The calls in the journal that got no answer."""
    return [call for call in installation.ses.journal() if call["status"] == NO_ANSWER]


def apply_late(installation: Installation, call: dict[str, Any]) -> None:
    """Apply a call now that was not applied when it was sent."""
    method = re.sub(r"(?<!^)(?=[A-Z])", "_", call["action"]).lower()
    # SES may refuse it by now, for example a creation of something that exists.
    with suppress(ClientError):
        getattr(client(call["service"], installation.ses.url), method)(**call["parameters"])


FAULT_CASES = [
    FaultCase("throttle", _fault("throttle"), sentence="AWS is throttling our calls."),
    FaultCase("fail", _fault("fail"), sentence="AWS reported an internal error."),
    FaultCase("access-denied", _fault("access_denied"), sentence="the credentials lack a permission", at_reads=True),
    FaultCase("dropped", _fault("dropped"), sentence=NO_ANSWER_SENTENCE),
    FaultCase("lost", _fault("lost"), sentence=NO_ANSWER_SENTENCE),
    FaultCase("late", _fault("dropped"), sentence=NO_ANSWER_SENTENCE, applied_late=True),
    FaultCase("outage-from-here-on", _fault("dropped", times=None), sentence=NO_ANSWER_SENTENCE, persists=True),
    FaultCase("rules-removed", _external_change(_remove_rules), external=True),
    FaultCase("rule-set-removed", _external_change(_remove_rule_set), external=True, sentence="run ses_setup"),
    # Verification through API v1 creates the identity again, without our tag
    # (docs/architecture/ses.md, "Tags and ownership").
    FaultCase("identity-removed", _external_change(_remove_identities), external=True, loses_tags=True),
]
