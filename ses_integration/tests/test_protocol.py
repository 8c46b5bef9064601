"""The counterexamples of the protocol: for each variant that is tempting and wrong, the trace that breaks it.

Start: SES holds `{a}`, the rows `{a}`; X deletes a, Y adds b. "Late" is a call that is applied after its sender gave up.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from ses_integration import clients, convergence, facts, lease, ledger, marks
from ses_integration.config import ses_config
from ses_integration.emulator.server import Emulator
from ses_integration.errors import SesError, Unanswered
from ses_integration.gateway import Gateway
from ses_integration.ledger import Answer, Intent, Settled, Stuck
from ses_integration.marks import generation
from ses_integration.models import DomainMark, IdentityFacts, LedgerEntry, UnansweredCall
from ses_integration.planning import Known, Operation
from ses_integration.tests.rows import DOMAIN, receive, remove
from ses_integration.tests.seen import calls, identities, recipients_sent, rules
from ses_integration.tests.steps import Writer, ledger_of, settle

RULE = "inbound-example.com-rule"
A, B = "a@example.com", "b@example.com"


@pytest.fixture
def start(ses: Emulator, rows: None) -> Emulator:
    """SES and the rows hold `{a}`, and everything is confirmed."""
    receive("a")
    Writer().finish()
    ses.clear_journal()
    return ses


def in_line(*recipients: str) -> bool:
    return rules() == ({RULE: set(recipients)} if recipients else {})


def test_1_a_delete_that_lands_late_is_known_before_it_is_sent_and_repaired(start):
    receive()
    x = Writer()
    late = x.call_without_answer()
    receive("b")
    y = Writer()
    y.finish()
    assert in_line(B)
    x.lands(late)
    assert in_line()
    settle()
    Writer().finish()
    assert in_line(B)


def test_1_a_create_whose_answer_is_lost_has_its_ledger_entry_already(start):
    receive("x", domain="other.org")
    x = Writer("other.org")
    for _ in ("create the identity", "its token", "its MAIL FROM domain"):
        x.call()
    late = x.call_without_answer()
    x.lands(late)
    assert ledger_of("inbound-other.org-rule").known == Known.UNKNOWN
    remove("other.org")
    Writer("other.org").finish()
    assert in_line(A)


def test_2_the_success_of_a_repeated_call_says_nothing_about_the_first_one(start):
    receive()
    x = Writer()
    x.call_without_answer()
    x.call()  # the same Delete again, answered
    assert UnansweredCall.objects.count() == 1


def test_3_a_timeout_is_not_done(start):
    receive()
    Writer().call_without_answer()
    assert not facts.recipient_gone(DOMAIN, A, generation(DOMAIN))
    assert in_line(A)
    Writer().finish()
    assert in_line()


def test_4_the_next_confirmed_call_clears_no_doubt_that_may_still_land(start):
    receive()
    x = Writer()
    late = x.call_without_answer()
    receive("b")
    Writer().finish()
    assert UnansweredCall.objects.filter(operation=Operation.DELETE_RULE).count() == 1
    x.lands(late)
    settle()
    Writer().finish()
    assert in_line(B)


def test_5_doubt_that_became_due_after_the_intent_was_written_stays(start):
    receive()
    x = Writer()
    late = x.call_without_answer()
    receive("b")
    y = Writer()
    y.plan()
    answer = y.send()
    x.lands(late)
    settle()  # while Y's answer is on its way
    UnansweredCall.objects.filter(pk=y.intent.doubt_id).update(until=timezone.now() + timedelta(hours=1))
    y.record(answer)
    assert in_line()
    Writer().finish()
    assert in_line(B)


def test_6_due_doubt_is_repeated_although_known_equals_wanted(start):
    receive()
    x = Writer()
    late = x.call_without_answer()
    receive("b")
    Writer().finish()
    x.lands(late)
    settle()
    start.clear_journal()
    Writer().finish()
    assert calls(start) == ["UpdateReceiptRule", "CreateReceiptRule"]
    assert in_line(B)


def test_7_one_intent_is_one_attempt_on_the_wire(start):
    receive("a", "b")
    start.add_faults({"service": "ses", "action": "UpdateReceiptRule", "fault": "fail", "times": 5})
    Writer().call()
    assert calls(start) == ["UpdateReceiptRule"]


def test_8_a_refused_call_does_not_count_as_made(start):
    receive()
    Writer().call_refused()
    assert not facts.recipient_gone(DOMAIN, A, generation(DOMAIN))
    Writer().finish()
    assert in_line()


def test_9_a_holder_that_lost_the_lease_records_nothing(start):
    receive()
    x = Writer()
    x.plan()
    answer = x.send()
    receive("b")
    y = Writer()
    y.finish()
    with pytest.raises(lease.LeaseLost):
        x.record(answer)
    assert ledger_of(RULE).known == Known.PRESENT
    assert UnansweredCall.objects.filter(operation=Operation.DELETE_RULE).count() == 1


def test_10_an_own_call_that_succeeded_after_the_lease_was_lost_confirms_nothing(start):
    receive("a", "b")
    y = Writer()
    late = y.call_without_answer()
    receive("b")
    gone = generation(DOMAIN)
    x = Writer()
    x.plan()
    x.send()
    Writer()  # the worker takes over before X can record
    y.lands(late)
    assert rules()[RULE] == {A, B}
    assert not facts.recipient_gone(DOMAIN, A, gone)
    Writer().finish()
    assert in_line(B)


def test_11_an_applied_generation_does_not_confirm_while_an_older_call_may_bring_the_address_back(start):
    receive("a", "b")
    y = Writer()
    late = y.call_without_answer()
    receive("b")
    gone = generation(DOMAIN)
    Writer().finish()
    assert DomainMark.objects.get().applied_generation >= gone
    assert not facts.recipient_gone(DOMAIN, A, gone)
    y.lands(late)
    settle()
    Writer().finish()
    assert facts.recipient_gone(DOMAIN, A, gone)
    assert in_line(B)


def test_12_a_change_that_commits_during_a_call_is_not_served_by_it(start):
    receive()
    x = Writer()
    x.plan()
    answer = x.send()
    receive("b")
    x.record(answer)
    assert DomainMark.objects.get().owed
    x.finish()
    assert in_line(B)


def test_13_the_intent_advances_no_generation(start):
    receive()
    Writer().plan()
    mark = DomainMark.objects.get()
    assert mark.applied_generation < mark.generation


def test_16_a_refused_delete_keeps_its_ledger_entry(start):
    remove()
    x = Writer()
    x.call_refused()
    assert LedgerEntry.objects.filter(name=RULE).exists()
    Writer().finish()
    assert in_line()
    assert not LedgerEntry.objects.exists()


def test_17_the_generation_goes_on_counting_when_a_domain_is_gone_and_comes_back(start):
    before = generation(DOMAIN)
    remove()
    Writer().finish()
    receive("a", life="2")
    assert generation(DOMAIN) == before + 2


def test_18_a_domain_added_again_in_the_middle_of_its_teardown_keeps_rule_and_identity(start):
    remove()
    x = Writer()
    x.call()  # the rule is gone, the identity would be next
    receive("b", life="2")
    x.finish()
    assert in_line(B)
    assert identities() == {DOMAIN}


def test_20_an_identity_is_not_made_again_while_its_deletion_may_still_land(start):
    remove()
    x = Writer()
    x.call()
    late = x.call_without_answer()
    x.lands(late)
    receive("b", life="2")
    y = Writer()
    steps = [y.plan()]
    while isinstance(steps[-1], Intent):
        y.record(y.send())
        steps.append(y.plan())
    made = [step.call.operation for step in steps if isinstance(step, Intent)]
    assert made == [Operation.READ_IDENTITY, Operation.CREATE_RULE]
    assert steps[-1] == Stuck(generation(DOMAIN), until=UnansweredCall.objects.get().until)
    settle()
    Writer().finish()
    assert identities() == {DOMAIN}
    assert in_line(B)


def test_21_a_holder_s_own_unanswered_call_stays_in_doubt_for_its_next_one(start):
    receive()
    x = Writer()
    late = x.call_without_answer()
    receive("b")
    x.finish()
    x.lands(late)
    assert in_line()
    settle()
    x.finish()
    assert in_line(B)


def test_22_a_sender_that_slept_past_its_deadline_sends_nothing(start):
    receive()
    x = Writer()
    x.plan()
    assert x.intent is not None
    with clients.send_by(x.intent.send_by - 3600), pytest.raises(SesError, match="no time left"):
        convergence._send(x.config, x.intent.call, x.intent.send_by)
    assert calls(start) == []


def test_23_a_refusal_takes_away_its_own_doubt_and_no_older_one(start):
    receive("a", "b")
    y = Writer()
    late = y.call_without_answer()
    receive("b")
    gone = generation(DOMAIN)
    Writer().finish()
    y.lands(late)
    settle()
    Writer().call_refused()
    assert not facts.recipient_gone(DOMAIN, A, gone)
    Writer().finish()
    assert in_line(B)
    assert facts.recipient_gone(DOMAIN, A, gone)


def test_24_the_last_address_never_goes_by_an_update(start):
    receive()
    Writer().finish()
    assert calls(start) == ["DeleteReceiptRule"]
    assert [] not in recipients_sent(start)


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
    assert UnansweredCall.objects.get().operation == Operation.UPDATE_RULE
    assert ledger_of(RULE).known == Known.UNKNOWN


def test_nothing_owed_is_settled_without_a_call(start):
    assert isinstance(Writer().plan(), Settled)
    assert start.journal() == []


def test_what_has_failed_in_a_pass_is_not_tried_again_in_it(start):
    receive("a", "b")
    x = Writer()
    intent = x.plan()
    assert isinstance(intent, Intent)
    x.record(Answer(error=Unanswered("no answer")))
    step = ledger.next_step(x.config, x.held, DOMAIN, failed={intent.call.key}, gathered=None)
    assert step == Stuck(generation(DOMAIN), until=None)


def test_a_v1_verification_that_lands_after_the_identity_is_gone_is_taken_back(ses, rows):
    receive("a", domain="other.org")
    x = Writer("other.org")
    x.call()  # the identity
    late = x.call_without_answer()
    assert late.call.operation == Operation.VERIFY_DOMAIN
    remove("other.org")
    Writer("other.org").finish()
    x.lands(late)  # creates, and without our tag
    assert identities() == {"other.org"}
    settle()
    Writer("other.org").finish()
    assert identities() == set()


def test_an_identity_that_a_late_v1_verification_made_is_ours_when_the_domain_is_added_again(ses, rows):
    receive("a", domain="other.org")
    x = Writer("other.org")
    x.call()
    late = x.call_without_answer()
    remove("other.org")
    Writer("other.org").finish()
    x.lands(late)
    receive("a", domain="other.org", life="2")
    Writer("other.org").finish()
    settle()
    Writer("other.org").finish()
    assert IdentityFacts.objects.get().ours is True
    remove("other.org")
    Writer("other.org").finish()
    assert identities() == set()


def test_only_what_every_call_on_its_way_keeps_counts_as_received(start):
    receive()
    x = Writer()
    x.lands(x.call_without_answer())  # the rule is gone, and nobody has heard of it
    receive("a")
    assert facts.rule_names(DOMAIN, A) == []
    Writer().finish()
    assert facts.rule_names(DOMAIN, A) == [RULE]


def test_a_change_that_was_committed_during_a_failing_pass_is_due_at_once(start):
    receive("a", "b")
    x = Writer()
    intent = x.plan()
    assert isinstance(intent, Intent)
    x.record(Answer(error=Unanswered("no answer")))
    stuck = ledger.next_step(x.config, x.held, DOMAIN, failed={intent.call.key}, gathered=None)
    assert isinstance(stuck, Stuck)
    receive("b")
    ledger.postpone(x.config, DOMAIN, [Unanswered("no answer")], stuck)
    assert DomainMark.objects.get().next_attempt is None


def test_a_rule_of_another_domain_is_never_touched(ses, rows):
    receive("a", domain="x.com", catch_all=True)
    Writer("x.com").finish()
    receive("b", domain="x.com-catchall")  # whose rule would have the same name
    y = Writer("x.com-catchall")
    for _ in ("create the identity", "its token", "its MAIL FROM domain"):
        y.call()
    step = y.plan()
    assert isinstance(step, ledger.Taken)
    assert rules() == {"inbound-x.com-catchall-rule": {"x.com"}}
    remove("x.com-catchall")
    Writer("x.com-catchall").finish()
    assert rules() == {"inbound-x.com-catchall-rule": {"x.com"}}


def test_14_rows_are_read_after_the_generation_and_under_its_lock(start, monkeypatch):
    read: list[str] = []
    lock, rows = DomainMark.objects.select_for_update, ledger.wanted_of

    def locked(*args: object, **kwargs: object) -> object:
        read.append("generation")
        return lock()

    def compiled(*args: object) -> object:
        read.append("rows")
        return rows(*args)

    monkeypatch.setattr(DomainMark.objects, "select_for_update", locked)
    monkeypatch.setattr(ledger, "wanted_of", compiled)
    Writer().plan()
    assert read == ["generation", "rows"]


def test_15_the_mark_is_in_the_transaction_of_the_change(start):
    before = generation(DOMAIN)
    with transaction.atomic():
        marks.mark(DOMAIN)
        assert generation(DOMAIN) == before + 1
        transaction.set_rollback(True)
    assert generation(DOMAIN) == before
