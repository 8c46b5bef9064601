"""Many clients delete addresses at once: few calls, true answers, no answer after the budget."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from addresses.models import EmailAddress
from inbound.tests.processes.support.checks import (
    assert_consistent,
    wait_until_idle,
)
from inbound.tests.processes.support.clients import RULE_CALLS, Answer, Api, by_clients
from inbound.tests.processes.support.seed import seed
from inbound.tests.processes.support.stack import Stack
from ses_integration.status.wording import CHANGE_PENDING

pytestmark = [pytest.mark.postgresql, pytest.mark.processes]

ADDRESSES = 200
CLIENTS = 32
# A batch carries at most one change of each client, so seven calls are the least.
MOST_CALLS = 12
NAME = "many.example.com"
RULE = f"inbound-{NAME}-rule"
BUDGET_SECONDS = 5.0  # SES_REQUEST_BUDGET's default
# For HTTP, and for the statements before and after the wait, on a busy machine.
ALLOWANCE_SECONDS = 2.5
# With the second sentence if a call is under way at that moment.
WARNING = re.compile(
    rf"SES rule update failed: {re.escape(CHANGE_PENDING)}"
    r"( An earlier call to AWS got no answer; it is sent again after [-\d]{10} [:\d]{8} UTC\.)?"
)


def delete_all(stack: Stack, api: Api, addresses: list[EmailAddress]) -> list[Answer]:
    """Delete them with 32 clients, each of which compares its answer with SES at once."""

    def delete(row: EmailAddress) -> Answer:
        answer = api.delete(f"email-addresses/{row.pk}")
        if answer.status == 200 and answer.body["cleanup"]["sesRuleUpdated"]:
            assert row.address not in stack.aws.recipients(), f"{answer} is not true"
        return answer

    answers = by_clients(delete, addresses, clients=CLIENTS)
    for row, answer in zip(addresses, answers, strict=True):
        assert answer.status == 200, answer
        cleanup = dict(answer.body["cleanup"])
        warning = cleanup.pop("warning", None)
        assert (cleanup.pop("emailAddress"), cleanup.pop("domain")) == (row.address, NAME)
        assert cleanup == {"sesRuleUpdated": warning is None}
        assert warning is None or WARNING.fullmatch(warning), answer
    return answers


def assert_one_is_left(stack: Stack, kept: EmailAddress) -> None:
    assert stack.aws.rules() == {RULE: {kept.address}}
    assert EmailAddress.objects.get() == kept
    assert_consistent(stack)
    assert stack.aws.refused() == []


def test_two_hundred_deletions_by_many_clients_take_at_most_twelve_calls(stack: Stack, api: Api, user: User) -> None:
    stack.start()
    # One address stays, so that every call is an update.
    kept, *going = seed(stack, user, [NAME], addresses=ADDRESSES + 1)[NAME]
    stack.aws.clear_journal()

    answers = delete_all(stack, api, going)

    # SES is fast here, so an answer without confirmation has waited for the whole budget.
    early = [answer for answer in answers if answer.seconds < BUDGET_SECONDS]
    assert all(answer.body["cleanup"]["sesRuleUpdated"] for answer in early)
    wait_until_idle(within=20)
    calls = stack.aws.calls(*RULE_CALLS)
    assert {call["action"] for call in calls} == {"UpdateReceiptRule"}
    assert len(calls) <= MOST_CALLS
    assert_one_is_left(stack, kept)


def test_deletions_by_many_clients_on_as_many_domains_are_all_confirmed(stack: Stack, api: Api, user: User) -> None:
    stack.start()
    names = [f"d{number}.example.com" for number in range(CLIENTS)]
    rows = seed(stack, user, names, addresses=2)

    answers = by_clients(lambda name: api.delete(f"email-addresses/{rows[name][0].pk}"), names, clients=CLIENTS)

    assert [answer.body["cleanup"].get("warning") for answer in answers] == [None] * CLIENTS
    assert all(answer.body["cleanup"]["sesRuleUpdated"] for answer in answers)
    assert stack.aws.recipients() == {rows[name][1].address for name in names}


def test_at_one_call_a_second_nobody_is_throttled_and_nobody_waits_past_the_budget(
    stack_with: Callable[..., Stack], key: str, user: User
) -> None:
    stack = stack_with(SES_CALLS_PER_SECOND="1")
    stack.start()
    kept, *going = seed(stack, user, [NAME], addresses=ADDRESSES + 1)[NAME]
    stack.aws.clear_journal()
    stack.aws.limit_rate(1.0)

    answers = delete_all(stack, stack.web_api.with_key(key), going)

    assert max(answer.seconds for answer in answers) <= BUDGET_SECONDS + ALLOWANCE_SECONDS
    # Near the end of the budget a request does not wait for a call whose turn comes later.
    early = [answer for answer in answers if answer.seconds < BUDGET_SECONDS - 1.5]
    assert early
    assert all(answer.body["cleanup"]["sesRuleUpdated"] for answer in early)
    wait_until_idle(within=20)
    assert len(stack.aws.calls(*RULE_CALLS)) <= ADDRESSES / 10
    assert_one_is_left(stack, kept)
