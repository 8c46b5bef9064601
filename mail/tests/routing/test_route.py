"""The decision where an email goes: total, and the first rule that applies wins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.routing.route import (
    Disposition,
    Facts,
    Matched,
    Policy,
    Reason,
    Route,
    Target,
    by_recipient,
    route,
)

pytestmark = pytest.mark.sqlite_only

MAIN, BASE, ALL = Target(True, "main"), Target(True, "base"), Target(True, "all")
FULL = Facts("hello+x@example.com", address=MAIN, base=BASE, catch_all=ALL)


def to(matched: Matched, endpoint: str) -> Route:
    return Route(Disposition.ROUTED, matched, matched, endpoint)


def stored(reason: Reason, matched: Matched | None = None) -> Route:
    return Route(Disposition.STORED, reason, matched)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, to(Matched.ADDRESS, "main")),
        ({"address": None}, to(Matched.LABEL, "base")),
        ({"address": None, "base": None}, to(Matched.CATCH_ALL, "all")),
        ({"address": None, "base": None, "catch_all": None}, stored(Reason.NO_ROUTE)),
        ({"address": None, "base": None, "is_deleted": True}, stored(Reason.ADDRESS_DELETED)),
        ({"address": None, "base": None, "catch_all": None, "is_deleted": True}, stored(Reason.ADDRESS_DELETED)),
        ({"address": None, "is_deleted": True}, to(Matched.LABEL, "base")),
        ({"base": None, "is_deleted": True}, to(Matched.ADDRESS, "main")),
        ({"address": Target(False, "main")}, stored(Reason.ADDRESS_INACTIVE, Matched.ADDRESS)),
        ({"address": Target(True, None)}, stored(Reason.ADDRESS_WITHOUT_ENDPOINT, Matched.ADDRESS)),
        ({"address": None, "base": Target(False, "base")}, stored(Reason.ADDRESS_INACTIVE, Matched.LABEL)),
        ({"address": None, "base": Target(True, None)}, stored(Reason.ADDRESS_WITHOUT_ENDPOINT, Matched.LABEL)),
        ({"is_history": True}, stored(Reason.HISTORY)),
        ({"recipient": ""}, stored(Reason.UNKNOWN_RECIPIENT)),
        ({"recipient": "dmarc@example.com"}, stored(Reason.DMARC_REPORT)),
        ({"recipient": "dmarc@example.com", "receives_dmarc": True}, to(Matched.ADDRESS, "main")),
        ({"is_blocked": True}, Route(Disposition.BLOCKED, Reason.BLOCKED_RECIPIENT)),
        ({"virus": "FAIL"}, Route(Disposition.QUARANTINED, Reason.VIRUS)),
        ({"virus": "FAIL", "is_blocked": True}, Route(Disposition.BLOCKED, Reason.BLOCKED_RECIPIENT)),
        ({"virus": "FAIL", "is_history": True}, Route(Disposition.QUARANTINED, Reason.VIRUS)),
        ({"virus": "PROCESSING_FAILED", "spam": "GRAY"}, to(Matched.ADDRESS, "main")),
        ({"spam": "FAIL"}, to(Matched.ADDRESS, "main")),
        ({"dmarc": "FAIL", "dmarc_policy": "reject"}, to(Matched.ADDRESS, "main")),
    ],
)
def test_the_first_rule_that_applies_decides(changes: dict[str, Any], expected: Route) -> None:
    assert route(replace(FULL, **changes), Policy()) == expected


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"virus": "FAIL"}, Reason.VIRUS),
        ({"spam": "FAIL"}, Reason.SPAM),
        ({"dmarc": "FAIL", "dmarc_policy": "REJECT"}, Reason.DMARC_REJECT),
    ],
)
def test_a_verdict_is_treated_as_the_settings_say(facts: dict[str, Any], reason: Reason) -> None:
    mail = replace(FULL, **facts)
    assert route(mail, Policy("quarantine", "quarantine", "quarantine")) == Route(Disposition.QUARANTINED, reason)
    assert route(mail, Policy("drop", "drop", "drop")) == Route(Disposition.BLOCKED, reason)
    assert route(mail, Policy("deliver", "deliver", "deliver")) == to(Matched.ADDRESS, "main")


def test_another_dmarc_policy_than_reject_is_no_reason() -> None:
    mail = replace(FULL, dmarc="FAIL", dmarc_policy="quarantine")
    assert route(mail, Policy(on_dmarc_reject="drop")) == to(Matched.ADDRESS, "main")


def test_released_mail_goes_where_its_recipient_says() -> None:
    assert by_recipient(replace(FULL, virus="FAIL", is_history=True)) == to(Matched.ADDRESS, "main")


words = st.sampled_from(["", "PASS", "FAIL", "GRAY", "PROCESSING_FAILED"])
targets = st.none() | st.builds(Target, st.booleans(), st.sampled_from([None, "a", "b"]))
policies = st.builds(Policy, *[st.sampled_from(["quarantine", "deliver", "drop"])] * 3)
every_facts = st.builds(
    Facts,
    st.sampled_from(["", "hello@example.com", "hello+x@example.com", "dmarc@example.com"]),
    *[targets] * 3,
    *[st.booleans()] * 4,
    *[words] * 3,
    st.sampled_from(["", "none", "quarantine", "reject"]),
)


@given(every_facts, policies)
def test_every_email_has_one_decision_and_its_endpoint_is_one_of_its_targets(facts: Facts, policy: Policy) -> None:
    decided = route(facts, policy)
    assert decided == route(facts, policy)
    assert (decided.disposition == Disposition.ROUTED) == (decided.endpoint is not None)
    assert decided.disposition != Disposition.RECEIVED
    if decided.endpoint is not None:
        target = {Matched.ADDRESS: facts.address, Matched.LABEL: facts.base, Matched.CATCH_ALL: facts.catch_all}[
            Matched(decided.reason)
        ]
        assert target == Target(True, decided.endpoint)


@given(every_facts, policies)
def test_mail_of_a_paused_address_never_reaches_the_catch_all(facts: Facts, policy: Policy) -> None:
    paused = replace(facts, address=Target(False, "main"))
    assert route(paused, policy).endpoint is None


@given(every_facts, policies)
def test_mail_of_a_deleted_address_never_reaches_the_catch_all(facts: Facts, policy: Policy) -> None:
    deleted = replace(facts, is_deleted=True)
    assert route(deleted, policy).matched != Matched.CATCH_ALL
    assert by_recipient(deleted).matched != Matched.CATCH_ALL
