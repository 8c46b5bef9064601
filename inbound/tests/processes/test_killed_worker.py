"""The worker is killed in the middle of its work; another one finishes it."""

from __future__ import annotations

import pytest

from inbound.tests.processes.checks import (
    assert_ledger_equals_ses,
    assert_no_rule_receives_everything,
    assert_ses_equals_rows,
    expire_lease,
    pending,
    settle,
    wait_until_nothing_is_owed,
)
from inbound.tests.processes.stack import Stack, eventually
from inbound.tests.processes.wire import RULE_CALLS, Api
from ses_integration.models import InFlightCall

pytestmark = [pytest.mark.postgresql, pytest.mark.processes]

DOMAINS = 4


def test_a_second_worker_finishes_the_domains_that_the_first_was_killed_over(stack: Stack, api: Api) -> None:
    stack.start(worker=False)
    for number in range(DOMAINS):
        domain = api.add_domain(f"d{number}.example.com")
        api.add_address(domain, f"a@d{number}.example.com")
    stack.web.stop()
    # SES loses everything, so the worker's first look owes every domain its identity and its rule.
    stack.emulator.kill()
    stack.emulator.start()
    # Slow enough to be killed in the middle: the second rule's call is at SES when the worker dies.
    stack.aws.behave_badly(action="CreateReceiptRule", fault="delay", seconds=1.5, skip=1)

    stack.worker.start()
    eventually(stack.aws.has_met_its_faults, within=30, what="the worker was in the middle of its second rule")
    stack.worker.kill()
    assert len(stack.aws.rules()) == 1
    assert len(pending()) >= DOMAINS - 1
    assert InFlightCall.objects.count() == 1

    expire_lease()
    second = stack.another_worker("second worker")
    second.start()
    eventually(
        lambda: len(stack.aws.calls("CreateReceiptRule", "UpdateReceiptRule")) > DOMAINS,
        within=30,
        what="the second worker had made its calls, and the first one's late call had landed",
    )
    settle()

    wait_until_nothing_is_owed(within=40)
    assert_ses_equals_rows(stack)
    assert_ledger_equals_ses(stack)
    assert_no_rule_receives_everything(stack)
    assert len(stack.aws.rules()) == DOMAINS
    # One for each rule; what goes beyond that is the one call whose answer was lost, made again at once and when its time was over.
    assert len(stack.aws.calls(*RULE_CALLS)) <= DOMAINS + 3
