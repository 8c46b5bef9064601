"""Two clients delete the last two addresses of a domain at the same moment."""

from __future__ import annotations

import pytest

from inbound.tests.processes.support.checks import (
    assert_consistent,
    counted,
    wait_until_idle,
)
from inbound.tests.processes.support.clients import Api, simultaneously
from inbound.tests.processes.support.stack import Stack

pytestmark = [pytest.mark.postgresql, pytest.mark.processes]

TIMES, TIMES_IN_FULL = 8, 50


def test_deleting_the_last_two_addresses_at_once_leaves_no_rule(
    stack: Stack, api: Api, pytestconfig: pytest.Config
) -> None:
    times = TIMES_IN_FULL if pytestconfig.getoption("full") else TIMES
    stack.start()
    domain = api.add_domain("two.example.com")

    for round_number in range(times):
        # New names in each round: adding a name again would hide a recipient that was left behind.
        names = [f"{name}{round_number}@two.example.com" for name in ("a", "b")]
        ids = simultaneously(lambda name: api.add_address(domain, name), names)
        assert stack.aws.rules() == {"inbound-two.example.com-rule": frozenset(names)}

        answers = simultaneously(lambda pk: api.delete(f"email-addresses/{pk}"), ids)

        for name, answer in zip(names, answers, strict=True):
            assert (answer.status, answer.body["cleanup"]) == (
                200,
                {"sesRuleUpdated": True, "emailAddress": name, "domain": "two.example.com"},
            )
        assert stack.aws.rules() == {}, f"in round {round_number}"

    wait_until_idle(within=5)
    assert_consistent(stack)
    calls = counted(stack.aws.journal())
    assert calls["DeleteReceiptRule"] == times
    assert calls["CreateReceiptRule"] == times
