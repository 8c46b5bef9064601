"""What another life of a name has left in SES is not told; what is this life's own is told whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_integration.compiling import Layout, Wanted, compile_domain
from ses_integration.foreseeing import foresee
from ses_integration.lives import LEFT_OVER, Life, own_rules, shown_to
from ses_integration.planning import Doubt, Entry, Kind, Known, Operation
from ses_integration.receiving import DomainReceiving, ReceivingAddress
from ses_integration.tests.strategies import layouts, ledgers, receivings
from ses_integration.tests.test_planning_properties import DOMAIN

LAYOUT = Layout("inbound", "mail", max_recipients=2)
RULE, SECOND, CATCH_ALL = (f"inbound-example.com-{end}" for end in ("rule", "rule-2", "catchall-rule"))


def life(*addresses: str, catch_all: bool = False, prefix: str = "emails/example.com/new/") -> Life:
    rows = tuple(ReceivingAddress(address, slot) for slot, address in enumerate(addresses))
    own = {*addresses, DOMAIN} if catch_all else set(addresses)
    return Life(DomainReceiving(DOMAIN, prefix, rows, catch_all), frozenset(own))


def entries_of(former: Life) -> list[Entry]:
    """The ledger as a life that SES has followed leaves it."""
    rules = compile_domain(former.receiving, LAYOUT).rules
    held = [
        Entry(Kind.RULE, it.name, Known.PRESENT, exists=True, recipients=it.recipients, digest=it.digest)
        for it in rules
    ]
    return [*held, Entry(Kind.IDENTITY, DOMAIN, Known.PRESENT, exists=True, ours=True)]


def gone(now: Life, entries: list[Entry]):
    return shown_to(now, LAYOUT, foresee(DOMAIN, Wanted(), entries), entries)


@pytest.mark.parametrize(
    "former",
    [life("a@x", "b@x", "c@x", prefix="old/"), life(catch_all=True, prefix="old/")],
    ids=["addresses", "catch-all"],
)
def test_the_rules_of_another_life_are_neither_named_nor_counted(former):
    foreseen = gone(life(), entries_of(former))
    assert (foreseen.rules, [call.name for call in foreseen.calls]) == ((), [DOMAIN])
    assert (foreseen.problems, foreseen.certain) == ((LEFT_OVER,), False)


def test_of_a_rule_that_both_have_only_the_own_recipients_are_named():
    former = life("secret@x", "new@x", prefix="old/")
    (rule,) = gone(life("new@x"), entries_of(former)).rules
    assert (rule.name, rule.before, rule.after, rule.others) == (RULE, ("new@x",), None, True)


def test_a_call_of_another_life_that_may_still_be_applied_names_nobody():
    late = Doubt(Operation.UPDATE_RULE, due=False, recipients=frozenset({"secret@x", "new@x"}))
    entry = Entry(Kind.RULE, RULE, Known.UNKNOWN, doubts=(late,))
    (rule,) = gone(life("new@x"), [entry]).rules
    assert (rule.before, rule.in_doubt, rule.confirmed, rule.others) == ((), ("new@x",), False, True)
    assert "secret" not in str(gone(life(), [entry]))


def test_what_this_life_has_written_is_its_own_after_the_address_is_gone():
    held = entries_of(life("gone@x", "a@x"))
    (rule,) = gone(life("a@x"), held).rules
    assert (rule.before, rule.others) == (("a@x", "gone@x"), False)
    assert gone(life(), held).rules == (rule,)


def test_a_rule_that_the_rows_want_is_shown_before_it_has_been_made():
    entry = Entry(Kind.RULE, RULE, Known.UNKNOWN)
    (rule,) = gone(life("a@x"), [entry]).rules
    assert (rule.before, rule.confirmed, rule.others) == ((), False, False)


def test_that_nothing_of_others_changes_is_no_change_and_that_something_does_is_one():
    former, now = life("secret@x", "a@x", prefix="old/"), life("a@x")
    entries = entries_of(former)
    foreseen = foresee(DOMAIN, compile_domain(now.receiving, LAYOUT), entries)
    (rule,) = shown_to(now, LAYOUT, foreseen, entries).rules
    assert (rule.before, rule.after, rule.changes) == (("a@x",), ("a@x",), True)


@st.composite
def two_lives(draw):
    """A ledger that any life may have left, and a life that has some of its addresses, or none."""
    layout = draw(layouts)
    former = draw(receivings(st.just(DOMAIN)))
    entries, _ = draw(ledgers(former, layout))
    everything = {address.address for address in former.addresses}
    own = frozenset(draw(st.sets(st.sampled_from(sorted(everything))))) if everything else frozenset[str]()
    rows = tuple(address for address in former.addresses if address.address in own)
    now = Life(DomainReceiving(DOMAIN, "emails/example.com/new/", rows, False), own)
    return layout, list(entries.values()), now


@given(two_lives(), st.booleans())
def test_nothing_of_another_life_is_named(situation, stays):
    layout, entries, now = situation
    wanted = compile_domain(now.receiving, layout) if stays else Wanted()
    shown = shown_to(now, layout, foresee(DOMAIN, wanted, entries), entries)
    named = {name for rule in shown.rules for name in (*(rule.before or ()), *rule.in_doubt)}
    assert named <= now.recipients
    names = {rule.name for rule in shown.rules} | {DOMAIN}
    assert {call.name for call in shown.calls} | set(shown.waiting) <= names
    assert names - {DOMAIN} <= own_rules(now, layout, entries).keys() | {rule.name for rule in wanted.rules}


@given(two_lives())
def test_where_all_of_it_is_its_own_everything_is_shown(situation):
    layout, entries, now = situation
    all_of_it = {name for it in entries for name in (*it.recipients, *(r for d in it.doubts for r in d.recipients))}
    known = [
        it
        for it in entries
        if it.recipients or any(doubt.recipients for doubt in it.doubts) or it.kind is Kind.IDENTITY
    ]
    foreseen = foresee(DOMAIN, Wanted(), known)
    assert shown_to(Life(now.receiving, frozenset(all_of_it)), layout, foreseen, known) == foreseen
