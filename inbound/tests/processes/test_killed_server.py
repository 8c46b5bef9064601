"""The server is killed after the rows have changed and before SES has followed; nobody asks again."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from addresses.models import EmailAddress
from domains.models import Domain, DomainDeletion
from inbound.tests.processes.checks import (
    assert_ledger_equals_ses,
    assert_no_rule_receives_everything,
    assert_ses_equals_rows,
    eventually_in_line,
    expire_lease,
    settle,
    wait_until_nothing_is_owed,
)
from inbound.tests.processes.stack import Stack, eventually
from inbound.tests.processes.wire import Answer, Api
from ses_integration.models import DomainSync, InFlightCall, Lease

pytestmark = [pytest.mark.postgresql, pytest.mark.processes]

# What the emulator lets pass before it applies the call: longer than it takes to kill, and shorter than a call may live.
ON_ITS_WAY_SECONDS = 3.0


@pytest.fixture
def domain(stack: Stack, api: Api) -> str:
    """The id of gone.example.com with two addresses, beside a domain that nobody touches; no worker runs."""
    stack.start(worker=False)
    other = api.add_domain("kept.example.com")
    api.add_address(other, "a@kept.example.com")
    domain = api.add_domain("gone.example.com")
    api.add_address(domain, "a@gone.example.com")
    api.add_address(domain, "b@gone.example.com")
    return domain


@pytest.fixture
def path(request: pytest.FixtureRequest, domain: str) -> str:
    """What is deleted: the whole domain, or one of its two addresses."""
    if request.param == "domain":
        return f"domains/{domain}"
    return f"email-addresses/{EmailAddress.objects.get(address='a@gone.example.com').pk}"


def rows_are_gone(path: str) -> bool:
    kind, _, pk = path.partition("/")
    return not (Domain.objects.live() if kind == "domains" else EmailAddress.objects).filter(pk=pk).exists()


@contextmanager
def cut_off(api: Api, path: str) -> Iterator[None]:
    """A client deletes `path` and loses its connection before there is an answer."""
    with ThreadPoolExecutor(1) as pool:
        asked: Future[Answer] = pool.submit(api.delete, path)
        yield
        with pytest.raises((OSError, http.client.HTTPException)):
            asked.result()


def assert_all_is_well(stack: Stack, path: str) -> None:
    assert_ses_equals_rows(stack)
    assert_ledger_equals_ses(stack)
    assert_no_rule_receives_everything(stack)
    # The worker may be at a look of its own.
    eventually(lambda: Lease.objects.get().holder == "", within=5, what="the lease had been given back")
    if path.startswith("domains/"):
        assert not Domain.objects.filter(name="gone.example.com").exists()
        deletion = DomainDeletion.objects.get(name="gone.example.com")
        assert deletion.finished_at is not None
        assert (deletion.rules, deletion.identity, deletion.rows) == ("done", "done", "done")
        assert (deletion.email_addresses, deletion.stored_mail) == (2, "done")


@pytest.mark.parametrize("path", ["address", "domain"], indirect=True)
def test_a_call_that_was_under_way_is_made_again_and_the_late_one_is_outlived(
    stack: Stack, api: Api, path: str
) -> None:
    action = "DeleteReceiptRule" if path.startswith("domains/") else "UpdateReceiptRule"
    stack.aws.behave_badly(action=action, fault="delay", seconds=ON_ITS_WAY_SECONDS)
    stack.aws.clear_journal()

    with cut_off(api, path):
        eventually(stack.aws.has_met_its_faults, within=60, what="the call was at SES")
        assert rows_are_gone(path)
        stack.web.kill()
    assert InFlightCall.objects.count() == 1
    assert Lease.objects.get().holder != ""

    expire_lease()
    stack.worker.start()
    stack.web.start()

    # The worker has no reason to wait for the doubt: it repeats the call at once, and once more when the doubt is due.
    eventually(
        lambda: len(stack.aws.calls(action)) >= 2, within=60, what="the call was repeated, and the late one landed"
    )
    assert InFlightCall.objects.count() == 1
    if path.startswith("domains/"):
        settle()  # the other case waits for the real time
    wait_until_nothing_is_owed(within=30)
    assert len(stack.aws.calls(action)) == 3
    assert_all_is_well(stack, path)


@pytest.mark.parametrize("path", ["address", "domain"], indirect=True)
def test_a_call_that_could_not_be_made_is_made_when_ses_is_back(stack: Stack, api: Api, path: str) -> None:
    stack.emulator.kill()

    with cut_off(api, path):
        eventually(
            lambda: DomainSync.objects.filter(domain="gone.example.com", attempts__gte=1).exists(),
            within=60,
            what="the server had tried, and waited to try again",
        )
        assert rows_are_gone(path)
        stack.web.kill()

    # The emulator forgets, so the other domain's rule and both identities are missing as well: the sweep finds that.
    stack.emulator.start()
    expire_lease()
    stack.another_worker("sweeping worker", SES_SWEEP_SECONDS="1").start()
    stack.web.start()

    wait_until_nothing_is_owed(within=30)
    eventually_in_line(stack, within=20)
    assert_all_is_well(stack, path)
    if path.startswith("domains/"):
        assert stack.aws.calls("DeleteReceiptRule")[0]["parameters"]["RuleName"] == "inbound-gone.example.com-rule"
        assert stack.aws.calls("DeleteEmailIdentity")[0]["parameters"]["EmailIdentity"] == "gone.example.com"


@pytest.mark.parametrize("path", ["domain"], indirect=True)
def test_a_call_that_ses_refused_is_made_when_ses_takes_it(stack: Stack, api: Api, path: str) -> None:
    stack.aws.behave_badly(action="*", fault="throttle", times=None)

    with cut_off(api, path):
        eventually(
            lambda: DomainSync.objects.filter(domain="gone.example.com", attempts__gte=1).exists(),
            within=60,
            what="the server had tried, and waited to try again",
        )
        stack.web.kill()
    assert set(stack.aws.rules()) == {"inbound-gone.example.com-rule", "inbound-kept.example.com-rule"}

    stack.aws.behave()
    expire_lease()
    stack.worker.start()

    wait_until_nothing_is_owed(within=30)
    assert_all_is_well(stack, path)
