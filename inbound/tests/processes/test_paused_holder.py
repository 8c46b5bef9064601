"""Who writes to SES falls asleep in the middle of a call, loses the lease, and wakes up after its successor has finished."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from inbound.tests.processes.checks import (
    assert_ledger_equals_ses,
    assert_no_rule_receives_everything,
    assert_ses_equals_rows,
    expire_lease,
    settle,
    wait_until_nothing_is_owed,
)
from inbound.tests.processes.stack import Stack, eventually
from inbound.tests.processes.wire import Answer, Api
from ses_integration.models import DomainSync, InFlightCall, Lease, LedgerEntry

pytestmark = [pytest.mark.postgresql, pytest.mark.processes]

RULE = "inbound-sleepy.example.com-rule"


@contextmanager
def asleep_in_its_call(stack: Stack, api: Api, path: str) -> Iterator[Future[Answer]]:
    """The server is deleting `path`, and is stopped while SES has its call; it wakes up at the end."""
    stack.aws.behave_badly(action="UpdateReceiptRule", fault="delay", seconds=2)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(api.delete, path)
        eventually(stack.aws.has_met_its_faults, within=60, what="the call was at SES")
        stack.web.pause()
        try:
            yield asked
        finally:
            stack.web.resume()


def test_the_sleeper_records_nothing_over_its_successors_work(stack: Stack, api: Api, key: str) -> None:
    stack.start(worker=False)
    other_web, other = stack.server("other web")
    other_web.start()
    other = other.with_key(key)
    domain = api.add_domain("sleepy.example.com")
    first, second, _ = (api.add_address(domain, f"{local}@sleepy.example.com") for local in "abc")
    stack.aws.clear_journal()

    with asleep_in_its_call(stack, api, f"email-addresses/{first}") as asked:
        fence = Lease.objects.get().fence
        expire_lease()
        answer = other.delete(f"email-addresses/{second}")

        # The sleeper's call, which puts b back, lands after the successor's: so nobody may have said that b is gone.
        assert answer.status == 200
        assert answer.body["cleanup"]["sesRuleUpdated"] is False
        assert "An earlier call to AWS got no answer" in answer.body["cleanup"]["warning"]
        eventually(lambda: len(stack.aws.calls("UpdateReceiptRule")) == 2, within=60, what="the late call had landed")
        assert stack.aws.rules()[RULE] == {"b@sleepy.example.com", "c@sleepy.example.com"}
        assert Lease.objects.get().fence > fence
        before = recorded()
        assert before["recipients"] == ["c@sleepy.example.com"]
    woken = asked.result()

    # Its call was answered with success, and it keeps that to itself.
    assert "The lease was lost while working on sleepy.example.com" in stack.web.text
    assert recorded() == before
    assert before["doubts"] == [InFlightCall.objects.values_list("pk", "fence", "until").get(fence=fence)]
    # a is in no call that may still land: that is the truth, whoever sent what.
    assert (woken.status, woken.body["cleanup"]["sesRuleUpdated"]) == (200, True)

    settle()
    stack.worker.start()
    wait_until_nothing_is_owed(within=30)
    assert stack.aws.rules() == {RULE: {"c@sleepy.example.com"}}
    assert len(stack.aws.calls("UpdateReceiptRule")) == 3
    assert_ses_equals_rows(stack)
    assert_ledger_equals_ses(stack)
    assert_no_rule_receives_everything(stack)


def recorded() -> dict[str, object]:
    """What is recorded of the rule."""
    entry = LedgerEntry.objects.get(name=RULE)
    sync = DomainSync.objects.get(domain="sleepy.example.com")
    return {
        "known": (entry.presence, entry.exists, entry.digest, entry.changed_at),
        "recipients": sorted(entry.recipients.values_list("recipient", flat=True)),
        "doubts": list(InFlightCall.objects.values_list("pk", "fence", "until")),
        "applied": (sync.generation, sync.observed_generation),
    }
