"""The server is killed after the rows have changed and before SES is up to date; no request follows."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from addresses.models import EmailAddress
from domains.models import Domain, DomainDeletion
from inbound.tests.processes.support.checks import (
    assert_consistent,
    expire_in_flight_calls,
    expire_lease,
    wait_until_idle,
    wait_until_up_to_date,
)
from inbound.tests.processes.support.clients import Answer, Api
from inbound.tests.processes.support.stack import Stack, wait_for
from ses_integration.models import DomainSync, InFlightCall, Lease

pytestmark = [pytest.mark.postgresql, pytest.mark.processes]

# How long the emulator delays the call: longer than a kill takes, shorter than a call may be under way.
ON_ITS_WAY_SECONDS = 3.0


@pytest.fixture
def stack(quick_stack: Stack) -> Stack:
    return quick_stack


@pytest.fixture
def domain(stack: Stack, api: Api) -> str:
    """The id of gone.example.com, which has two addresses. Another domain must stay as it is. No worker runs."""
    stack.start(worker=False)
    other = api.add_domain("kept.example.com")
    api.add_address(other, "a@kept.example.com")
    domain = api.add_domain("gone.example.com")
    api.add_address(domain, "a@gone.example.com")
    api.add_address(domain, "b@gone.example.com")
    return domain


@pytest.fixture
def path(request: pytest.FixtureRequest, domain: str) -> str:
    """The path to delete: the whole domain, or one of its two addresses."""
    if request.param == "domain":
        return f"domains/{domain}"
    return f"email-addresses/{EmailAddress.objects.get(address='a@gone.example.com').pk}"


def rows_are_gone(path: str) -> bool:
    kind, _, pk = path.partition("/")
    return not (Domain.objects.live() if kind == "domains" else EmailAddress.objects).filter(pk=pk).exists()


@contextmanager
def connection_lost(api: Api, path: str) -> Iterator[None]:
    """A client deletes `path`, and loses the connection before the answer."""
    with ThreadPoolExecutor(1) as pool:
        asked: Future[Answer] = pool.submit(api.delete, path)
        yield
        with pytest.raises((OSError, http.client.HTTPException)):
            asked.result()


def assert_finished(stack: Stack, path: str) -> None:
    assert_consistent(stack)
    # The worker may hold the lease for a sweep.
    wait_for(lambda: Lease.objects.get().holder == "", within=5, what="the lease is released")
    if path.startswith("domains/"):
        assert not Domain.objects.filter(name="gone.example.com").exists()
        deletion = DomainDeletion.objects.get(name="gone.example.com")
        assert deletion.finished_at is not None
        assert (deletion.rules, deletion.identity, deletion.rows) == ("done", "done", "done")
        assert (deletion.email_addresses, deletion.stored_mail) == (2, "done")


@pytest.mark.parametrize("path", ["address", "domain"], indirect=True)
def test_a_call_in_flight_is_repeated_until_it_can_no_longer_be_applied_late(stack: Stack, api: Api, path: str) -> None:
    action = "DeleteReceiptRule" if path.startswith("domains/") else "UpdateReceiptRule"
    stack.aws.add_fault(action=action, fault="delay", seconds=ON_ITS_WAY_SECONDS)
    stack.aws.clear_journal()

    with connection_lost(api, path):
        wait_for(stack.aws.faults_are_used, within=60, what="the call is at SES")
        assert rows_are_gone(path)
        stack.web.kill()
    assert InFlightCall.objects.count() == 1
    assert Lease.objects.get().holder != ""

    expire_lease()
    stack.worker.start()
    stack.web.start()

    # The worker repeats the call at once, and once more when the first one can no longer be applied.
    wait_for(
        lambda: len(stack.aws.calls(action)) >= 2, within=60, what="the call is repeated, and the late one applied"
    )
    assert InFlightCall.objects.count() == 1
    if path.startswith("domains/"):
        expire_in_flight_calls()  # the other case really waits
    wait_until_idle(within=30)
    assert len(stack.aws.calls(action)) == 3
    assert_finished(stack, path)


@pytest.mark.parametrize("path", ["address", "domain"], indirect=True)
def test_a_call_that_failed_is_repeated_when_ses_is_back(stack: Stack, api: Api, path: str) -> None:
    stack.emulator.kill()

    with connection_lost(api, path):
        wait_for(
            lambda: DomainSync.objects.filter(domain="gone.example.com", attempts__gte=1).exists(),
            within=60,
            what="the server has tried once",
        )
        assert rows_are_gone(path)
        stack.web.kill()

    # The restarted emulator is empty: the other domain's rule and both identities are missing, too. A sweep finds that.
    stack.emulator.start()
    expire_lease()
    stack.another_worker("sweeping worker", SES_SWEEP_SECONDS="1").start()
    stack.web.start()

    wait_until_idle(within=30)
    wait_until_up_to_date(stack, within=20)
    assert_finished(stack, path)
    if path.startswith("domains/"):
        assert stack.aws.calls("DeleteReceiptRule")[0]["parameters"]["RuleName"] == "inbound-gone.example.com-rule"
        assert stack.aws.calls("DeleteEmailIdentity")[0]["parameters"]["EmailIdentity"] == "gone.example.com"


@pytest.mark.parametrize("path", ["domain"], indirect=True)
def test_a_throttled_call_is_repeated_when_ses_accepts_it(stack: Stack, api: Api, path: str) -> None:
    stack.aws.add_fault(action="*", fault="throttle", times=None)

    with connection_lost(api, path):
        wait_for(
            lambda: DomainSync.objects.filter(domain="gone.example.com", attempts__gte=1).exists(),
            within=60,
            what="the server has tried once",
        )
        stack.web.kill()
    assert set(stack.aws.rules()) == {"inbound-gone.example.com-rule", "inbound-kept.example.com-rule"}

    stack.aws.clear_faults()
    expire_lease()
    stack.worker.start()

    wait_until_idle(within=30)
    assert_finished(stack, path)
