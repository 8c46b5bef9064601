"""An intent is sent once, in time or never, and never with an empty list of recipients. Counterexamples 7, 22 and 24."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest
from django.test import override_settings

from ses_integration.aws import clients, events
from ses_integration.checks import SETTLE_SECONDS_ON_AWS
from ses_integration.coordination.lease import LeaseLost
from ses_integration.errors import Unsent
from ses_integration.plan.compile import Rule, rule_name
from ses_integration.reconcile import snapshot
from ses_integration.tests.support.counterexamples import claim, counterexample, patched
from ses_integration.tests.support.expectations import B, claim_ses_follows, ses_holds
from ses_integration.tests.support.fake_domains import receive
from ses_integration.tests.support.protocol_steps import (
    Writer,
    asleep_before_signing,
    pass_time,
    run_worker_and_database_sweep,
    settle_calls,
)
from ses_integration.tests.support.ses_state import calls, recipients_sent

# AWS refuses a signature that is older (docs/architecture/protocol.md, "Send the call").
SIGNATURE_SECONDS = 300


@contextmanager
def botocore_retries():
    """botocore makes two attempts for one intent."""
    config = clients.Config

    def retrying(**options):
        return config(**options | {"retries": {"total_max_attempts": 2, "mode": "standard"}})

    clients.forget()
    try:
        with patched(clients, Config=retrying):
            yield
    finally:
        clients.forget()


@contextmanager
def deadline_is_checked_before_signing():
    """The send deadline is checked once, before the call is signed."""

    @contextmanager
    def send_by(monotonic):
        if events.time.monotonic() >= monotonic:
            raise Unsent("There was no time left to send the call.")
        yield

    with patched(events, send_by=send_by):
        yield


@contextmanager
def settle_time_is_too_short():
    """A call counts as settled while AWS still accepts its signature."""
    with override_settings(SES_CALL_SETTLE_SECONDS=60):
        yield


@contextmanager
def no_address_is_an_empty_list():
    """A domain without addresses has a rule without recipients."""
    compile_domain = snapshot.compile_domain

    def compiled(spec, layout):
        desired = compile_domain(spec, layout)
        if spec is None or desired.rules:
            return desired
        name = rule_name(layout.rule_prefix, spec.name, "-rule")
        return replace(desired, rules=(Rule(name, frozenset(), layout.bucket, spec.key_prefix),))

    with patched(snapshot, compile_domain=compiled), patched(Rule, __post_init__=lambda rule: None):
        yield


@counterexample(7, botocore_retries)
def test_7_success_of_a_retry_does_not_cover_an_unanswered_attempt(ses_with_a):
    receive()
    x = Writer()
    x.plan()
    ses_with_a.add_faults({"service": "ses", "action": "DeleteReceiptRule", "fault": "dropped", "times": 1})
    late = x.intent
    x.record(x.send())  # its first attempt is still on its way
    receive("b")
    Writer().finish()
    assert ses_holds(B)
    x.apply_late(late)
    settle_calls()
    run_worker_and_database_sweep()
    claim_ses_follows(B)


def test_intent_is_one_attempt_on_the_wire(ses_with_a):
    receive("a", "b")
    ses_with_a.add_faults({"service": "ses", "action": "UpdateReceiptRule", "fault": "fail", "times": 5})
    Writer().call()
    assert calls(ses_with_a) == ["UpdateReceiptRule"]


@counterexample(22, deadline_is_checked_before_signing)
def test_22_sender_that_slept_past_its_deadline_sends_nothing(ses_with_a):
    def meanwhile():
        receive("b")
        settle_calls()
        Writer().finish()
        assert ses_holds(B)

    receive()
    x = Writer()
    x.plan()
    with asleep_before_signing(meanwhile):
        answer = x.send()
    with suppress(LeaseLost):
        x.record(answer)
    run_worker_and_database_sweep()
    claim_ses_follows(B)
    assert calls(ses_with_a) == ["UpdateReceiptRule"]


@pytest.fixture
def settles_as_on_aws(settings):
    settings.SES_CALL_SETTLE_SECONDS = SETTLE_SECONDS_ON_AWS


@counterexample(22, settle_time_is_too_short)
def test_22_call_stays_in_flight_as_long_as_it_may_be_applied(ses_with_a, settles_as_on_aws):
    receive()
    x = Writer()
    late = x.call_without_answer()
    receive("b")
    pass_time(SIGNATURE_SECONDS)
    Writer().finish()
    assert ses_holds(B)
    x.apply_late(late)
    settle_calls()
    run_worker_and_database_sweep()
    claim_ses_follows(B)


@counterexample(24, no_address_is_an_empty_list)
def test_24_last_address_is_never_removed_by_an_update(ses_with_a):
    receive()
    Writer().finish()
    with claim("No rule without recipients is ever sent: it would match every recipient."):
        assert [] not in recipients_sent(ses_with_a)
    assert calls(ses_with_a) == ["DeleteReceiptRule"]
    assert ses_holds()
