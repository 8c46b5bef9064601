"""Whose turn it is: one domain with much to do, in trouble or locked, and the others beside it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from ses_integration import facts, lease, schedule
from ses_integration.budget import one_budget
from ses_integration.config import ses_config
from ses_integration.convergence import converge, converge_due, with_lease
from ses_integration.emulator.server import Emulator
from ses_integration.errors import Refused
from ses_integration.models import DomainMark, LedgerEntry, UnansweredCall
from ses_integration.steps import Stuck
from ses_integration.tests.rows import DOMAIN, after_reading, receive
from ses_integration.tests.seen import calls, rules

OTHER = "other.org"
LONG = "abcdefgh"
pytestmark = pytest.mark.usefixtures("rows")


@pytest.fixture
def one_address_a_rule(ses: Emulator, settings) -> Emulator:
    settings.SES_MAX_RECIPIENTS_PER_RULE = 1
    return ses


def one_pass(domain: str = DOMAIN) -> None:
    held = lease.acquire(ses_config())
    assert held is not None
    with_lease(ses_config(), held, domain, time.monotonic() + 20)


def test_with_much_to_do_a_pass_gives_way_after_each_call_to_who_waits(one_address_a_rule):
    receive(*LONG)
    receive("x", domain=OTHER)
    one_pass()
    assert calls(one_address_a_rule) == ["CreateEmailIdentity"]
    assert DomainMark.objects.order_by("waiting_since").first().domain == OTHER
    converge_due()
    while facts.owed_marks().exists():
        converge_due()
    assert len(rules()) == len(LONG) + 1


def test_with_nobody_waiting_it_goes_on_to_its_end(one_address_a_rule):
    receive(*LONG)
    one_pass()
    assert not facts.owed_marks().exists()
    assert calls(one_address_a_rule).count("CreateReceiptRule") == len(LONG)


def test_what_one_creation_takes_is_done_at_one_go(ses):
    """Two that came at once and took turns would both be late."""
    receive("a")
    receive("x", domain=OTHER)
    one_pass()
    assert set(rules()) == {"inbound-example.com-rule"}
    assert not DomainMark.objects.get(domain=DOMAIN).owed


@pytest.mark.parametrize("fault", ["throttle", "dropped"])
def test_an_outage_is_not_tried_out_on_every_rule(one_address_a_rule, fault):
    receive(*LONG)
    one_pass()
    one_address_a_rule.clear_journal()
    one_address_a_rule.add_faults({"service": "*", "action": "*", "fault": fault, "times": None})
    receive()
    one_pass()
    assert calls(one_address_a_rule) == ["DeleteReceiptRule"] * 3
    assert DomainMark.objects.get().next_attempt
    assert UnansweredCall.objects.count() == (3 if fault == "dropped" else 0)


def test_some_that_always_fail_hold_up_the_others_only_for_a_while(one_address_a_rule):
    receive(*LONG)
    one_pass()
    names = sorted(rules())
    for _ in range(2):
        # The first three of every pass.
        one_address_a_rule.clear_faults()
        one_address_a_rule.add_faults({"service": "ses", "action": "DeleteReceiptRule", "fault": "fail", "times": 3})
        receive()
        one_pass()
    assert sorted(rules()) == names[:3]


def test_what_is_put_off_in_line_waits_for_its_turn(ses):
    """An unanswered call that can no longer land is repeated, and the repetition is refused."""
    receive("a")
    one_pass()
    entry = LedgerEntry.objects.get(kind="rule")
    past = timezone.now() - timedelta(seconds=1)
    UnansweredCall.objects.create(
        entry=entry, operation="update_rule", recipients=["a@example.com"], until=past, fence=1
    )
    ses.clear_journal()
    ses.add_faults({"service": "ses", "action": "*", "fault": "access_denied", "times": None})
    with one_budget(1.0):
        converge(DOMAIN)
    assert calls(ses) == ["UpdateReceiptRule"]


def test_what_only_a_person_can_mend_in_some_rules_holds_up_no_other(one_address_a_rule):
    one_address_a_rule.add_faults(
        {"service": "ses", "action": "CreateReceiptRule", "fault": "access_denied", "skip": 0, "times": 5}
    )
    receive(*LONG)
    one_pass()
    assert len(rules()) == len(LONG) - 5


def fail():
    raise ZeroDivisionError


def test_a_bug_in_one_domain_s_pass_neither_reaches_its_caller_nor_holds_up_the_others(ses):
    receive("a")
    receive("x", domain=OTHER)
    after_reading.append(fail)
    with one_budget(0.2):
        converge(DOMAIN)
    mark = DomainMark.objects.get(last_error="inbound itself has failed; its log says why.")
    assert mark.next_attempt
    assert not mark.needs_attention
    DomainMark.objects.update(next_attempt=None)
    after_reading.append(fail)
    converge_due()
    assert facts.owed_marks().count() == 1
    DomainMark.objects.update(next_attempt=None)
    converge_due()
    assert not facts.owed_marks().exists()


class Changing:
    """Somebody who changes rows of a domain in a transaction that takes its time."""

    def __init__(self, domain: str = DOMAIN) -> None:
        self._domain = domain
        self._changed, self._commit = threading.Event(), threading.Event()
        self._threads = ThreadPoolExecutor(1)

    def __enter__(self) -> None:
        self._change = self._threads.submit(self._in_a_transaction)
        assert self._changed.wait(60)

    def __exit__(self, *_: object) -> None:
        self._commit.set()
        self._change.result()
        self._threads.shutdown()

    def _in_a_transaction(self) -> None:
        try:
            with transaction.atomic():
                DomainMark.objects.select_for_update().get(domain=self._domain)
                self._changed.set()
                assert self._commit.wait(60)
        finally:
            connection.close()


@pytest.mark.postgresql
def test_a_long_change_of_one_domain_holds_up_no_other(ses):
    receive("a")
    receive("x", domain=OTHER)
    with Changing():
        converge(OTHER)
        assert set(rules()) == {"inbound-other.org-rule"}
        # Nor would it be waited for, with the lease in hand, to note a failure: a bump makes the domain due anyway.
        schedule.postpone(ses_config(), DOMAIN, [Refused("throttled")], Stuck(1, until=None))
    assert DomainMark.objects.get(domain=DOMAIN).attempts == 0
