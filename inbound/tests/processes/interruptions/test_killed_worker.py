"""The worker is killed in the middle of its work; another worker finishes it."""

from __future__ import annotations

import pytest

from inbound.tests.processes.support.checks import (
    assert_consistent,
    expire_in_flight_calls,
    expire_lease,
    pending,
    wait_until_idle,
)
from inbound.tests.processes.support.clients import RULE_CALLS, Api
from inbound.tests.processes.support.stack import Stack, wait_for
from ses_integration.models import InFlightCall

pytestmark = [pytest.mark.postgresql, pytest.mark.processes]

DOMAINS = 4


@pytest.fixture
def stack(quick_stack: Stack) -> Stack:
    return quick_stack


def test_a_second_worker_finishes_the_work_of_a_killed_one(stack: Stack, api: Api) -> None:
    stack.start(worker=False)
    for number in range(DOMAINS):
        domain = api.add_domain(f"d{number}.example.com")
        api.add_address(domain, f"a@d{number}.example.com")
    stack.web.stop()
    # SES loses everything, so after the first sweep the identity and the rule of every domain are pending.
    stack.emulator.kill()
    stack.emulator.start()
    # The call for the second rule is slow, so the worker is killed while it is at SES.
    stack.aws.add_fault(action="CreateReceiptRule", fault="delay", seconds=1.5, skip=1)

    stack.worker.start()
    wait_for(stack.aws.faults_are_used, within=30, what="the worker has sent its second rule")
    stack.worker.kill()
    assert len(stack.aws.rules()) == 1
    assert len(pending()) >= DOMAINS - 1
    assert InFlightCall.objects.count() == 1

    expire_lease()
    second = stack.another_worker("second worker")
    second.start()
    wait_for(
        lambda: len(stack.aws.calls("CreateReceiptRule", "UpdateReceiptRule")) > DOMAINS,
        within=30,
        what="the second worker has made its calls, and the late call of the first is applied",
    )
    expire_in_flight_calls()

    wait_until_idle(within=40)
    assert_consistent(stack)
    assert len(stack.aws.rules()) == DOMAINS
    # One for each rule. The call without an answer is repeated at once, and again when it can no longer be applied.
    assert len(stack.aws.calls(*RULE_CALLS)) <= DOMAINS + 3
