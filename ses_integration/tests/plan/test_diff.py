from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_integration.plan.compile import DesiredState, Rule
from ses_integration.plan.diff import plan
from ses_integration.plan.resources import Call, Operation, Presence, RecordedResource, ResourceKind, UnknownOutcome
from ses_integration.plan.spec import MailFrom

DOMAIN = "example.com"
RULE = "inbound-example.com-rule"
CATCH_ALL = "inbound-example.com-catchall-rule"


def rule(*recipients: str, name: str = RULE) -> Rule:
    return Rule(name, frozenset(recipients), "mail", "p/")


def recorded(what: Rule) -> RecordedResource:
    return RecordedResource(ResourceKind.RULE, what.name, Presence.PRESENT, True, what.recipients, what.digest)


IDENTITY = RecordedResource(
    ResourceKind.IDENTITY,
    DOMAIN,
    Presence.PRESENT,
    True,
    ours=True,
    has_verification_token=True,
    mail_from=f"mail.{DOMAIN}",
)


def operations(desired: DesiredState, *entries: RecordedResource) -> list[str]:
    return [str(call.operation) for call in plan(DOMAIN, desired, entries).calls]


def test_equal_states_need_no_call():
    assert plan(
        DOMAIN, DesiredState(True, (rule("a@example.com"),)), [IDENTITY, recorded(rule("a@example.com"))]
    ).settled


def test_identity_is_created_before_the_rules():
    assert operations(DesiredState(True, (rule("a@example.com"),))) == ["create_identity", "create_rule"]


def test_creating_an_identity_takes_three_calls():
    made = replace(IDENTITY, has_verification_token=False, mail_from="")
    assert operations(DesiredState(True), made) == ["verify_domain"]
    assert operations(DesiredState(True), replace(made, has_verification_token=True)) == ["set_mail_from"]


def test_foreign_identity_keeps_its_mail_from_domain():
    for mail_from in ("", "bounce.example.com"):
        theirs = replace(IDENTITY, ours=False, mail_from=mail_from)
        assert plan(DOMAIN, DesiredState(True), [theirs]).settled


def test_the_owner_chooses_the_mail_from_domain_of_any_identity():
    chosen = DesiredState(True, mail_from=MailFrom("bounce.example.com", chosen=True))
    for ours in (True, False):
        [call] = plan(DOMAIN, chosen, [replace(IDENTITY, ours=ours)]).calls
        assert (call.operation, call.mail_from) == (Operation.SET_MAIL_FROM, "bounce.example.com")
        assert plan(DOMAIN, chosen, [replace(IDENTITY, ours=ours, mail_from="bounce.example.com")]).settled


def test_a_mail_from_domain_that_nobody_chose_is_only_for_our_identities_without_one():
    default = DesiredState(True, mail_from=MailFrom("bounce.example.com"))
    [call] = plan(DOMAIN, default, [replace(IDENTITY, mail_from="")]).calls
    assert call.mail_from == "bounce.example.com"
    for identity in (IDENTITY, replace(IDENTITY, ours=False, mail_from="")):
        assert plan(DOMAIN, default, [identity]).settled


def test_foreign_identity_is_never_deleted():
    assert plan(DOMAIN, DesiredState(), [replace(IDENTITY, ours=False)]).settled


def test_identity_of_unknown_owner_is_read_first():
    unknown = replace(IDENTITY, presence=Presence.UNKNOWN, ours=None)
    assert operations(DesiredState(), unknown) == ["read_identity"]
    assert operations(DesiredState(True), unknown) == ["read_identity"]


def test_teardown_deletes_the_rules_before_the_identity():
    assert operations(DesiredState(), IDENTITY, recorded(rule("a@example.com"))) == ["delete_rule", "delete_identity"]


def test_removing_the_last_address_deletes_the_rule():
    assert operations(DesiredState(True), IDENTITY, recorded(rule("a@example.com"))) == ["delete_rule"]


def test_catch_all_rule_is_created_before_the_old_rule_is_deleted():
    catch_all, old = rule(DOMAIN, name=CATCH_ALL), recorded(rule("a@example.com"))
    first = plan(DOMAIN, DesiredState(True, (catch_all,)), [IDENTITY, old])
    assert [call.operation for call in first.calls] == [Operation.CREATE_RULE]
    assert [call.operation for call in first.deferred] == [Operation.DELETE_RULE]
    assert operations(DesiredState(True, (catch_all,)), IDENTITY, old, recorded(catch_all)) == ["delete_rule"]


def test_address_rule_is_created_before_the_catch_all_rule_is_deleted():
    desired, old = rule("a@example.com"), recorded(rule(DOMAIN, name=CATCH_ALL))
    assert operations(DesiredState(True, (desired,)), IDENTITY, old) == ["create_rule"]


def test_empty_chunk_is_deleted_while_another_rule_is_created():
    other = recorded(rule("b@example.com", name=f"{RULE}-2"))
    assert operations(DesiredState(True, (rule("a@example.com"),)), IDENTITY, other) == ["create_rule", "delete_rule"]


@pytest.mark.parametrize(("exists", "operation"), [(True, "update_rule"), (False, "create_rule")])
def test_rule_with_an_unknown_outcome_is_written_again(exists, operation):
    unknown = replace(recorded(rule("a@example.com")), presence=Presence.UNKNOWN, exists=exists)
    assert operations(DesiredState(True, (rule("a@example.com"),)), IDENTITY, unknown) == [operation]


def test_due_call_is_repeated_although_nothing_differs():
    in_flight = replace(
        recorded(rule("a@example.com")), unknown_outcomes=(UnknownOutcome(Operation.DELETE_RULE, due=True),)
    )
    assert operations(DesiredState(True, (rule("a@example.com"),)), IDENTITY, in_flight) == ["update_rule"]


def test_call_in_flight_is_waited_for():
    in_flight = replace(
        recorded(rule("a@example.com")), unknown_outcomes=(UnknownOutcome(Operation.DELETE_RULE, due=False),)
    )
    assert plan(DOMAIN, DesiredState(True, (rule("a@example.com"),)), [IDENTITY, in_flight]).settled


def test_creation_of_an_identity_is_deferred_while_its_deletion_is_in_flight():
    going = RecordedResource(
        ResourceKind.IDENTITY,
        DOMAIN,
        Presence.ABSENT,
        unknown_outcomes=(UnknownOutcome(Operation.DELETE_IDENTITY, due=False),),
    )
    work = plan(DOMAIN, DesiredState(True), [going])
    assert not work.calls
    assert work.deferred == (Call(Operation.CREATE_IDENTITY, ResourceKind.IDENTITY, DOMAIN),)


def test_entry_is_forgotten_only_if_absent_not_desired_and_without_calls_in_flight():
    gone = RecordedResource(ResourceKind.RULE, RULE, Presence.ABSENT)
    in_flight = replace(gone, unknown_outcomes=(UnknownOutcome(Operation.CREATE_RULE, due=False),))
    assert plan(DOMAIN, DesiredState(), [gone]).forget == ((ResourceKind.RULE, RULE),)
    assert plan(DOMAIN, DesiredState(), [in_flight]).forget == ()
    assert plan(DOMAIN, DesiredState(True, (rule("a@example.com"),)), [gone]).forget == ()


# Generated states; the plan is applied to the ledger call by call.

recipients = st.sets(st.sampled_from(["a@example.com", "b@example.com", "c@example.com"]), min_size=1)
rules = st.dictionaries(st.sampled_from([RULE, f"{RULE}-2", CATCH_ALL]), recipients, max_size=3).map(
    lambda found: tuple(rule(*who, name=name) for name, who in sorted(found.items()))
)
unknown_outcomes = st.lists(
    st.builds(UnknownOutcome, st.sampled_from([Operation.DELETE_RULE, Operation.UPDATE_RULE]), st.booleans()),
    max_size=2,
)


@st.composite
def ledgers(draw):
    entries = {}
    for name in draw(st.sets(st.sampled_from([RULE, f"{RULE}-2", CATCH_ALL, "inbound-old-rule"]))):
        known = draw(st.sampled_from(list(Presence)))
        there = known is Presence.PRESENT or (known is Presence.UNKNOWN and draw(st.booleans()))
        who = frozenset(draw(recipients)) if known is not Presence.ABSENT else frozenset()
        entries[name] = RecordedResource(
            ResourceKind.RULE,
            name,
            known,
            there,
            who,
            rule(*who).digest if who else "",
            unknown_outcomes=tuple(draw(unknown_outcomes)),
        )
    return entries


def apply(call: Call, entries: dict[str, RecordedResource]) -> None:
    if call.operation.removes:
        entries[call.name] = RecordedResource(ResourceKind.RULE, call.name, Presence.ABSENT)
    elif call.rule is not None:
        entries[call.name] = recorded(call.rule)


@given(rules, ledgers())
def test_applying_the_plan_reaches_the_desired_state(desired, entries):
    state = DesiredState(True, desired)
    for _ in range(20):
        work = plan(DOMAIN, state, [IDENTITY, *entries.values()])
        if not work.calls:
            break
        apply(work.calls[0], entries)
    assert work.settled
    there = {name: entry.recipients for name, entry in entries.items() if entry.presence is not Presence.ABSENT}
    assert there == {what.name: what.recipients for what in desired}


@given(rules, ledgers())
def test_plan_never_sends_an_empty_recipient_list(desired, entries):
    for call in plan(DOMAIN, DesiredState(True, desired), [IDENTITY, *entries.values()]).calls:
        assert call.rule is None or call.rule.recipients


def test_address_is_added_to_its_new_rule_before_it_leaves_the_old_one():
    """A smaller limit moves the last addresses of the first rule into a second rule."""
    second = RULE + "-2"
    desired = DesiredState(True, (rule("a@example.com"), rule("b@example.com", name=second)))
    before = recorded(rule("a@example.com", "b@example.com"))
    moving = plan(DOMAIN, desired, [IDENTITY, before])
    assert [(call.operation, call.name) for call in moving.calls] == [(Operation.CREATE_RULE, second)]
    assert [(call.operation, call.name) for call in moving.deferred] == [(Operation.UPDATE_RULE, RULE)]
    moved = plan(DOMAIN, desired, [IDENTITY, before, recorded(rule("b@example.com", name=second))])
    assert [call.name for call in moved.calls] == [RULE]


def test_rules_that_exchange_addresses_do_not_wait_for_each_other():
    second = RULE + "-2"
    desired = DesiredState(True, (rule("b@example.com"), rule("a@example.com", name=second)))
    entries = [IDENTITY, recorded(rule("a@example.com")), recorded(rule("b@example.com", name=second))]
    assert [call.name for call in plan(DOMAIN, desired, entries).calls] == [RULE]


def test_in_a_full_rule_set_old_rules_are_deleted_first():
    desired = DesiredState(True, (rule(DOMAIN, name=CATCH_ALL),))
    entries = [IDENTITY, recorded(rule("a@example.com"))]
    assert [call.operation for call in plan(DOMAIN, desired, entries).calls] == [Operation.CREATE_RULE]
    full = plan(DOMAIN, desired, entries, rule_set_full=True)
    assert [call.operation for call in full.calls] == [Operation.DELETE_RULE, Operation.CREATE_RULE]


def test_in_a_full_rule_set_old_rules_stay_if_only_a_part_would_fit():
    second = RULE + "-2"
    desired = DesiredState(True, (rule("a@example.com"), rule("b@example.com", name=second)))
    full = plan(DOMAIN, desired, [IDENTITY, recorded(rule(DOMAIN, name=CATCH_ALL))], rule_set_full=True)
    assert [call.operation for call in full.calls] == [Operation.CREATE_RULE, Operation.CREATE_RULE]
    assert [call.name for call in full.deferred] == [CATCH_ALL]
