"""What an answer leads to, and what a pass does with what has failed in it.

See docs/architecture/protocol.md, "Record the answer".
"""

from __future__ import annotations

from ses_integration.aws.gateway import Gateway
from ses_integration.conf import ses_config
from ses_integration.errors import Refused, Unanswered
from ses_integration.models import DomainSync, InFlightCall
from ses_integration.plan.resources import Operation, Presence
from ses_integration.reconcile import backoff
from ses_integration.reconcile import intent as ledger
from ses_integration.reconcile.outbox import generation
from ses_integration.reconcile.steps import Answer, Blocked, Intent, NameConflict, PassState, Settled, Wait
from ses_integration.status import recipients
from ses_integration.tests.fake_domains import DOMAIN, receive, remove
from ses_integration.tests.protocol.expectations import RULE, A, B, in_line
from ses_integration.tests.protocol_steps import Writer, ledger_of
from ses_integration.tests.ses_state import calls, rules

NO_ANSWER = Unanswered("no answer")


def test_a_refused_update_of_a_rule_that_somebody_removed_leads_to_a_create(start):
    receive("a", "b")
    Gateway(ses_config()).delete_rule(RULE)
    start.clear_journal()
    Writer().finish()
    assert calls(start) == ["UpdateReceiptRule", "CreateReceiptRule"]
    assert in_line(A, B)


def test_a_lost_answer_to_a_create_leads_to_an_update(start):
    receive()
    Writer().finish()
    receive("b")
    x = Writer()
    x.lands(x.call_without_answer())
    start.clear_journal()
    Writer().finish()
    assert calls(start) == ["CreateReceiptRule", "UpdateReceiptRule"]
    assert in_line(B)


def test_an_answer_that_cannot_be_read_keeps_its_doubt(start):
    receive("a", "b")
    x = Writer()
    x.plan()
    x.record(Answer(error=Unanswered("an error page")))
    assert InFlightCall.objects.get().operation == Operation.UPDATE_RULE
    assert ledger_of(RULE).presence == Presence.UNKNOWN


def test_nothing_owed_is_settled_without_a_call(start):
    assert isinstance(Writer().plan(), Settled)
    assert start.journal() == []


def test_what_has_failed_in_a_pass_is_not_tried_again_in_it(start):
    receive("a", "b")
    x = Writer()
    intent = x.plan()
    assert isinstance(intent, Intent)
    x.record(Answer(error=Unanswered("no answer")))
    step = ledger.next_step(PassState(x.config, x.held, DOMAIN, failed={intent.call.key: NO_ANSWER}))
    assert step == Blocked(generation(DOMAIN), until=None)


def test_only_what_every_call_on_its_way_keeps_counts_as_received(start):
    receive()
    x = Writer()
    x.lands(x.call_without_answer())  # the rule is gone, and nobody has heard of it
    receive("a")
    assert recipients.rule_names(DOMAIN, A) == []
    Writer().finish()
    assert recipients.rule_names(DOMAIN, A) == [RULE]


def test_a_change_that_was_committed_during_a_failing_pass_is_due_at_once(start):
    receive("a", "b")
    x = Writer()
    intent = x.plan()
    assert isinstance(intent, Intent)
    x.record(Answer(error=Unanswered("no answer")))
    stuck = ledger.next_step(PassState(x.config, x.held, DOMAIN, failed={intent.call.key: NO_ANSWER}))
    assert isinstance(stuck, Blocked)
    receive("b")
    backoff.postpone(x.config, DOMAIN, [Unanswered("no answer")], stuck)
    assert DomainSync.objects.get().retry_at is None


def test_a_rule_of_another_domain_is_never_touched(ses, rows):
    receive("a", domain="x.com", catch_all=True)
    Writer("x.com").finish()
    receive("b", domain="x.com-catchall")  # whose rule would have the same name
    y = Writer("x.com-catchall")
    for _ in ("create the identity", "its token", "its MAIL FROM domain"):
        y.call()
    step = y.plan()
    assert isinstance(step, NameConflict)
    assert rules() == {"inbound-x.com-catchall-rule": {"x.com"}}
    remove("x.com-catchall")
    Writer("x.com-catchall").finish()
    assert rules() == {"inbound-x.com-catchall-rule": {"x.com"}}


def test_when_the_time_is_up_a_pass_only_asks_what_is_left(start):
    """So that what has failed by then is noted, with the next try, and nothing is written down that nobody will send."""
    receive("a", "b")
    x = Writer()
    intent = x.plan()
    assert isinstance(intent, Intent)
    x.record(Answer(error=Refused("throttled")))

    def left(*failed):
        state = PassState(x.config, x.held, DOMAIN, failed=dict.fromkeys(failed, NO_ANSWER))
        return ledger.next_step(state, may_call=False)

    assert isinstance(left(intent.call.key), Blocked)
    assert left() == Wait(0.0)
    assert not InFlightCall.objects.exists()
