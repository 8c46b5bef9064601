"""The lease holder is paused during a call, loses the lease, and continues after its successor has finished."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from inbound.tests.processes.support.checks import (
    assert_consistent,
    expire_in_flight_calls,
    expire_lease,
    wait_until_idle,
)
from inbound.tests.processes.support.clients import Answer, Api
from inbound.tests.processes.support.stack import Stack, wait_for
from ses_integration.models import DomainSync, InFlightCall, Lease, LedgerEntry

pytestmark = [pytest.mark.postgresql, pytest.mark.processes]

RULE = "inbound-sleepy.example.com-rule"


@pytest.fixture
def stack(quick_stack: Stack) -> Stack:
    return quick_stack


@contextmanager
def paused_during_call(stack: Stack, api: Api, path: str) -> Iterator[Future[Answer]]:
    """The server deletes `path` and is paused while its call is at SES; it continues at the end."""
    stack.aws.add_fault(action="UpdateReceiptRule", fault="delay", seconds=2)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(api.delete, path)
        wait_for(stack.aws.faults_are_used, within=60, what="the call is at SES")
        stack.web.pause()
        try:
            yield asked
        finally:
            stack.web.resume()


def test_a_holder_that_lost_the_lease_while_paused_records_nothing(stack: Stack, api: Api, key: str) -> None:
    stack.start(worker=False)
    other_web, other = stack.server("other web")
    other_web.start()
    other = other.with_key(key)
    domain = api.add_domain("sleepy.example.com")
    first, second, _ = (api.add_address(domain, f"{local}@sleepy.example.com") for local in "abc")
    stack.aws.clear_journal()

    with paused_during_call(stack, api, f"email-addresses/{first}") as asked:
        fence = Lease.objects.get().fence
        expire_lease()
        answer = other.delete(f"email-addresses/{second}")

        # The late call, which adds b again, is applied after the successor's: so no answer may say that b is gone.
        assert answer.status == 200
        assert answer.body["cleanup"]["sesRuleUpdated"] is False
        assert "An earlier call to AWS got no answer" in answer.body["cleanup"]["warning"]
        wait_for(lambda: len(stack.aws.calls("UpdateReceiptRule")) == 2, within=60, what="the late call is applied")
        assert stack.aws.rules()[RULE] == {"b@sleepy.example.com", "c@sleepy.example.com"}
        assert Lease.objects.get().fence > fence
        before = recorded()
        assert before["recipients"] == ["c@sleepy.example.com"]
    woken = asked.result()

    # Its call succeeded, but it must not record that.
    assert "The lease was lost while working on sleepy.example.com" in stack.web.text
    assert recorded() == before
    assert before["in_flight"] == [InFlightCall.objects.values_list("pk", "fence", "until").get(fence=fence)]
    # No call that may still be applied contains a, so this answer is true.
    assert (woken.status, woken.body["cleanup"]["sesRuleUpdated"]) == (200, True)

    expire_in_flight_calls()
    stack.worker.start()
    wait_until_idle(within=30)
    assert stack.aws.rules() == {RULE: {"c@sleepy.example.com"}}
    assert len(stack.aws.calls("UpdateReceiptRule")) == 3
    assert_consistent(stack)


def recorded() -> dict[str, object]:
    """What the ledger records about the rule."""
    entry = LedgerEntry.objects.get(name=RULE)
    sync = DomainSync.objects.get(domain="sleepy.example.com")
    return {
        "known": (entry.presence, entry.exists, entry.digest, entry.changed_at),
        "recipients": sorted(entry.recipients.values_list("recipient", flat=True)),
        "in_flight": list(InFlightCall.objects.values_list("pk", "fence", "until")),
        "applied": (sync.generation, sync.observed_generation),
    }
