"""Many clients delete at once: few calls, true answers, and nobody waits for ever."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from inbound.tests.processes.checks import (
    assert_ledger_equals_ses,
    assert_no_rule_receives_everything,
    assert_ses_equals_rows,
    wait_until_nothing_is_owed,
)
from inbound.tests.processes.stack import Stack
from inbound.tests.processes.wire import RULE_CALLS, Api, by_clients

pytestmark = [pytest.mark.postgresql, pytest.mark.processes]

ADDRESSES = 100
CLIENTS = 32
BUDGET_SECONDS = 5.0  # SES_REQUEST_BUDGET's default


def with_addresses(api: Api, name: str, count: int, *, clients: int = CLIENTS) -> tuple[str, list[str]]:
    """The ids of a new domain and of its addresses."""
    domain = api.add_domain(name)
    names = [f"a{number}@{name}" for number in range(count)]
    return domain, by_clients(lambda address: api.add_address(domain, address), names, clients=clients)


def test_a_hundred_deletions_by_many_clients_cost_a_handful_of_calls(stack: Stack, api: Api) -> None:
    stack.start()
    _, ids = with_addresses(api, "many.example.com", ADDRESSES + 1)
    # One stays, so that every call is an update.
    kept, *going = ids
    stack.aws.clear_journal()

    answers = by_clients(lambda pk: api.delete(f"email-addresses/{pk}"), going, clients=CLIENTS)

    for answer in answers:
        assert answer.status == 200
        assert answer.body["cleanup"]["sesRuleUpdated"] is True, answer
    calls = stack.aws.calls(*RULE_CALLS)
    assert {call["action"] for call in calls} == {"UpdateReceiptRule"}
    # Eight to ten as a rule, two or three for each time that all clients ask. How many times that is, the machine decides.
    assert len(calls) <= ADDRESSES / 5
    [recipients] = stack.aws.rules().values()
    assert recipients == {api.get(f"email-addresses/{kept}").body["address"]}
    wait_until_nothing_is_owed(within=5)
    assert_ses_equals_rows(stack)
    assert_ledger_equals_ses(stack)
    assert_no_rule_receives_everything(stack)


def test_at_one_call_a_second_nobody_is_throttled_and_nobody_waits_for_ever(
    stack_with: Callable[..., Stack], key: str
) -> None:
    stack = stack_with(SES_CALLS_PER_SECOND="1")
    stack.start()
    stack.aws.take_only(1.0)
    api = stack.web_api.with_key(key)
    stack.aws.clear_journal()
    # Twice as many addresses as clients, and one that stays.
    _, (kept, *going) = with_addresses(api, "slow.example.com", 17, clients=8)
    wait_until_nothing_is_owed(within=30)

    answers = by_clients(lambda pk: api.delete(f"email-addresses/{pk}"), going, clients=8)

    assert {answer.status for answer in answers} == {200}
    # The first two or three calls serve them all, so nobody runs out of time.
    assert all(answer.body["cleanup"]["sesRuleUpdated"] for answer in answers)
    assert max(answer.seconds for answer in answers) <= BUDGET_SECONDS + 1.5
    assert {call["status"] for call in stack.aws.journal() if call["service"] in ("ses", "sesv2")} == {200}
    [recipients] = stack.aws.rules().values()
    assert recipients == {api.get(f"email-addresses/{kept}").body["address"]}
    wait_until_nothing_is_owed(within=10)
    assert_ses_equals_rows(stack)
    assert_no_rule_receives_everything(stack)
