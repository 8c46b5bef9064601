"""The order of rules."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ses_integration.drift.detect import detect
from ses_integration.drift.model import DriftKind
from ses_integration.tests.drift.inputs import (
    EQUAL,
    RULE,
    A,
    found,
    holds,
    with_foreign,
)


def test_a_rule_behind_a_stop_action_for_the_same_mail_is_out_of_order():
    rules = with_foreign(holds("example.com", name="theirs", ends=True))
    [drift, foreign] = detect(replace(EQUAL, **rules))
    assert (drift.kind, drift.name) == (DriftKind.OUT_OF_ORDER, RULE)
    assert (
        drift.reason == "It stands behind theirs, which takes the same mail first and ends there, with a Stop action."
    )
    assert foreign.kind is DriftKind.FOREIGN


def test_a_rule_behind_a_stop_action_for_other_mail_loses_mail_that_goes_to_both():
    rules = with_foreign(holds("x@theirs.org", name="theirs", ends=True))
    assert "ends a mail that goes to both" in detect(replace(EQUAL, **rules))[0].reason


def test_a_rule_behind_a_lambda_function_for_the_same_mail_is_out_of_order():
    shared = with_foreign(holds("A+news@example.com".lower(), name="theirs", may_end=True))
    assert [sort for sort, _ in found(**shared)] == [DriftKind.OUT_OF_ORDER, DriftKind.FOREIGN]
    other = with_foreign(holds("x@theirs.org", name="theirs", may_end=True))
    assert [sort for sort, _ in found(**other)] == [DriftKind.FOREIGN]


@pytest.mark.parametrize("more", [{}, {"ends": True, "enabled": False}])
def test_the_order_behind_other_actions_does_not_matter(more):
    assert [sort for sort, _ in found(**with_foreign(holds(A, name="theirs", **more)))] == [DriftKind.FOREIGN]


def test_a_rule_in_front_is_in_order():
    rules = with_foreign(holds(A, name="theirs", ends=True), behind=True)
    assert [sort for sort, _ in found(**rules)] == [DriftKind.FOREIGN]
