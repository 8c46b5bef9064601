"""Answers other than success, and calls that have failed in a pass (docs/architecture/protocol.md, "Record the answer")."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from ses_integration.aws.gateway import Gateway
from ses_integration.conf import ses_config
from ses_integration.errors import AlreadyExists, NotFound, Refused, Throttled, Unanswered
from ses_integration.models import DomainSync, InFlightCall, Lease, LedgerRecipient, RateLimit
from ses_integration.plan.resources import Operation, Presence, ResourceKind
from ses_integration.reconcile import backoff, step
from ses_integration.reconcile.outbox import generation
from ses_integration.reconcile.values import Answer, Blocked, Intent, NameConflict, PassState, Settled, Wait
from ses_integration.tests.support.expectations import RULE, A, B, ses_holds
from ses_integration.tests.support.fake_domains import DOMAIN, receive, remove
from ses_integration.tests.support.protocol_steps import Writer, ledger_entry, settle_calls
from ses_integration.tests.support.ses_state import calls, rules

NO_ANSWER = Unanswered("no answer")


def test_update_of_a_missing_rule_leads_to_a_create(ses_with_a):
    receive("a", "b")
    Gateway(ses_config()).delete_rule(RULE)
    ses_with_a.clear_journal()
    Writer().finish()
    assert calls(ses_with_a) == ["UpdateReceiptRule", "CreateReceiptRule"]
    assert ses_holds(A, B)


def test_create_of_an_existing_rule_leads_to_an_update(ses_with_a):
    receive()
    Writer().finish()
    receive("b")
    x = Writer()
    x.apply_late(x.call_without_answer())
    ses_with_a.clear_journal()
    Writer().finish()
    assert calls(ses_with_a) == ["CreateReceiptRule", "UpdateReceiptRule"]
    assert ses_holds(B)


def test_unreadable_answer_keeps_the_call_in_flight(ses_with_a):
    receive("a", "b")
    x = Writer()
    x.plan()
    x.record(Answer(error=Unanswered("an error page")))
    assert InFlightCall.objects.get().operation == Operation.UPDATE_RULE
    assert ledger_entry(RULE).presence == Presence.UNKNOWN


def test_domain_without_pending_changes_settles_without_a_call(ses_with_a):
    assert isinstance(Writer().plan(), Settled)
    assert ses_with_a.journal() == []


def test_failed_call_is_not_tried_again_in_the_same_pass(ses_with_a):
    receive("a", "b")
    x = Writer()
    intent = x.plan()
    assert isinstance(intent, Intent)
    x.record(Answer(error=NO_ANSWER))
    left = step.advance(PassState(x.config, DOMAIN, x.held, failed={intent.call.key: NO_ANSWER}))
    assert left == Blocked(generation(DOMAIN), until=None)


def test_recipient_that_a_call_in_flight_removes_is_not_recorded(ses_with_a):
    receive()
    x = Writer()
    x.apply_late(x.call_without_answer())  # the rule is gone, without an answer
    receive("a")
    assert A not in LedgerRecipient.objects.values_list("recipient", flat=True)
    Writer().finish()
    assert list(LedgerRecipient.objects.values_list("recipient", flat=True)) == [A]


def test_change_committed_during_a_failing_pass_is_due_at_once(ses_with_a):
    receive("a", "b")
    x = Writer()
    intent = x.plan()
    assert isinstance(intent, Intent)
    x.record(Answer(error=NO_ANSWER))
    blocked = step.advance(PassState(x.config, DOMAIN, x.held, failed={intent.call.key: NO_ANSWER}))
    assert isinstance(blocked, Blocked)
    receive("b")
    backoff.postpone(x.config, DOMAIN, [NO_ANSWER], blocked)
    assert DomainSync.objects.get().retry_at is None


def test_rule_of_another_domain_is_never_touched(ses, rows):
    receive("a", domain="x.com", catch_all=True)
    Writer("x.com").finish()
    receive("b", domain="x.com-catchall")  # whose rule would have the same name
    y = Writer("x.com-catchall")
    for _ in ("create the identity", "its token", "its MAIL FROM domain"):
        y.call()
    assert isinstance(y.plan(), NameConflict)
    assert rules() == {"inbound-x.com-catchall-rule": {"x.com"}}
    remove("x.com-catchall")
    Writer("x.com-catchall").finish()
    assert rules() == {"inbound-x.com-catchall-rule": {"x.com"}}


def test_after_the_deadline_a_pass_writes_no_intent(ses_with_a):
    """It only finds out what is left, to record failures and the next attempt."""
    receive("a", "b")
    x = Writer()
    intent = x.plan()
    assert isinstance(intent, Intent)
    x.record(Answer(error=Refused("throttled")))

    def left(*failed):
        state = PassState(x.config, DOMAIN, x.held, failed=dict.fromkeys(failed, NO_ANSWER))
        return step.advance(state, may_call=False)

    assert isinstance(left(intent.call.key), Blocked)
    assert left() == Wait(0.0)
    assert not InFlightCall.objects.exists()


def test_update_of_a_missing_rule_keeps_older_calls_in_flight(ses_with_a):
    receive("a", "b")
    x = Writer()
    x.call_without_answer()
    settle_calls()
    x.plan()
    x.record(Answer(error=NotFound("no such rule")))
    assert InFlightCall.objects.get().operation == Operation.UPDATE_RULE
    assert ledger_entry(RULE).presence == Presence.ABSENT


@pytest.mark.parametrize(
    ("error", "begins"),
    [
        (Unanswered("no answer"), True),
        (Throttled(), True),
        (Refused("no permission", needs_attention=True), False),
        (AlreadyExists("it exists"), False),
        (NotFound("no such rule"), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_outage_begins_with_an_error_that_others_will_probably_get(ses_with_a, error, begins):
    receive("a", "b")
    x = Writer()
    x.plan()
    x.record(Answer(error=error))
    assert (Lease.objects.get().outage_since is not None) == begins


def test_next_call_waits_a_whole_interval_from_the_answer(ses_with_a, settings):
    remove()
    x = Writer()
    x.plan()
    settings.SES_CALLS_PER_SECOND = 0.001
    RateLimit.objects.create(region=x.config.region, next_slot=timezone.now())
    x.config = ses_config()
    assert x.record_and_plan(x.send()) == Wait(1000.0)
    assert RateLimit.objects.get().next_slot > timezone.now() + timedelta(seconds=990)


def test_pass_gives_up_after_three_temporary_failures(ses_with_a):
    receive("a", "b")
    x = Writer()
    failed = {(ResourceKind.RULE, name): NO_ANSWER for name in "xyz"}
    left = step.advance(PassState(x.config, DOMAIN, x.held, failed=failed))
    assert left == Blocked(generation(DOMAIN), until=None)
