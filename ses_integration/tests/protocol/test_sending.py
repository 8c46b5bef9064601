"""One intent is one send, in time or never, and never of an empty list: counterexamples 7, 22 and 24."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest
from django.test import override_settings

from ses_integration.aws import clients
from ses_integration.checks import SETTLE_SECONDS_ON_AWS
from ses_integration.coordination.lease import LeaseLost
from ses_integration.errors import Unsent
from ses_integration.plan.compile import Rule, rule_name
from ses_integration.reconcile import snapshot
from ses_integration.tests.fake_domains import receive
from ses_integration.tests.protocol.counterexamples import claim, counterexample, instead
from ses_integration.tests.protocol.expectations import B, in_line
from ses_integration.tests.protocol_steps import (
    Writer,
    asleep_before_signing,
    pass_time,
    settle,
    worker_and_database_sweep,
)
from ses_integration.tests.ses_state import calls, recipients_sent

# A signature may be five minutes old, and AWS refuses older ones (docs/architecture/protocol.md, "Send the call").
SIGNATURE_SECONDS = 300


@contextmanager
def botocore_tries_again():
    """Two attempts for one intent."""
    config = clients.Config

    def retrying(**options):
        return config(**options | {"retries": {"total_max_attempts": 2, "mode": "standard"}})

    clients.forget()
    try:
        with instead(clients, Config=retrying):
            yield
    finally:
        clients.forget()


@contextmanager
def the_deadline_is_checked_before_signing():
    """The send deadline is looked at once, and after that the call is signed and goes out whenever it does."""

    @contextmanager
    def send_by(monotonic):
        if clients.time.monotonic() >= monotonic:
            raise Unsent("There was no time left to send the call.")
        yield

    with instead(clients, send_by=send_by):
        yield


@contextmanager
def doubt_is_shorter_than_a_call_may_live():
    """A call counts as settled while AWS would still take its signature."""
    with override_settings(SES_CALL_SETTLE_SECONDS=60):
        yield


@contextmanager
def no_address_is_an_empty_list():
    """A domain without addresses has a rule without recipients, and nobody refuses it."""
    compile_domain = snapshot.compile_domain

    def compiled(spec, layout):
        desired = compile_domain(spec, layout)
        if spec is None or desired.rules:
            return desired
        name = rule_name(layout.rule_prefix, spec.name, "-rule")
        return replace(desired, rules=(Rule(name, frozenset(), layout.bucket, spec.key_prefix),))

    with instead(snapshot, compile_domain=compiled), instead(Rule, __post_init__=lambda rule: None):
        yield


@counterexample(7, botocore_tries_again)
def test_7_an_attempt_without_an_answer_is_not_covered_by_another_one(start):
    receive()
    x = Writer()
    x.plan()
    start.add_faults({"service": "ses", "action": "DeleteReceiptRule", "fault": "dropped", "times": 1})
    late = x.intent
    x.record(x.send())  # its first attempt is still on its way
    receive("b")
    Writer().finish()
    assert in_line(B)
    x.lands(late)
    settle()
    worker_and_database_sweep()
    with claim("SES follows the rows again, and nobody had to ask it."):
        assert in_line(B)


def test_one_intent_is_one_attempt_on_the_wire(start):
    receive("a", "b")
    start.add_faults({"service": "ses", "action": "UpdateReceiptRule", "fault": "fail", "times": 5})
    Writer().call()
    assert calls(start) == ["UpdateReceiptRule"]


@counterexample(22, the_deadline_is_checked_before_signing)
def test_22_a_sender_that_slept_past_its_deadline_sends_nothing(start):
    def meanwhile():
        receive("b")
        settle()
        Writer().finish()
        assert in_line(B)

    receive()
    x = Writer()
    x.plan()
    with asleep_before_signing(meanwhile):
        answer = x.send()
    with suppress(LeaseLost):
        x.record(answer)
    worker_and_database_sweep()
    with claim("SES follows the rows, and nobody had to ask it."):
        assert in_line(B)
    assert calls(start) == ["UpdateReceiptRule"]


@pytest.fixture
def settles_as_on_aws(settings):
    settings.SES_CALL_SETTLE_SECONDS = SETTLE_SECONDS_ON_AWS


@counterexample(22, doubt_is_shorter_than_a_call_may_live)
def test_22_a_call_stays_in_doubt_for_as_long_as_it_may_live(start, settles_as_on_aws):
    receive()
    x = Writer()
    late = x.call_without_answer()
    receive("b")
    pass_time(SIGNATURE_SECONDS)
    Writer().finish()
    assert in_line(B)
    x.lands(late)
    settle()
    worker_and_database_sweep()
    with claim("SES follows the rows again, and nobody had to ask it."):
        assert in_line(B)


@counterexample(24, no_address_is_an_empty_list)
def test_24_the_last_address_never_goes_by_an_update(start):
    receive()
    Writer().finish()
    with claim("No rule without recipients is ever sent: it would receive everybody's mail."):
        assert [] not in recipients_sent(start)
    assert calls(start) == ["DeleteReceiptRule"]
    assert in_line()
