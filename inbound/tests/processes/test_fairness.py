"""At one call a second, many clients keep changing one domain, and single changes of other domains get their turn."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User

from addresses.models import EmailAddress
from inbound.tests.processes.checks import (
    assert_ledger_equals_ses,
    assert_no_rule_receives_everything,
    assert_ses_equals_rows,
    wait_until_nothing_is_owed,
)
from inbound.tests.processes.stack import Stack, eventually
from inbound.tests.processes.stock import stock
from inbound.tests.processes.wire import RULE_CALLS, Answer, Api

pytestmark = [pytest.mark.postgresql, pytest.mark.processes]

BUSY = "busy.example.com"
CLIENTS = 16
# With `--full`, all of them; each change takes seconds.
QUIET = ["one.example.com", "two.example.com", "three.example.com"]


class Burst:
    """Clients that add an address of one domain and delete it again, over and over, until they are told to end."""

    def __init__(self, api: Api, domain_id: str) -> None:
        self._api = api
        self._domain_id = domain_id
        self._end = threading.Event()
        self.answers: list[Answer] = []

    def end(self) -> None:
        self._end.set()

    def run(self, number: int) -> None:
        """One of the clients. Raises AssertionError for any answer but success."""
        rounds = 0
        while not self._end.is_set():
            rounds += 1
            address = f"a{rounds}-{number}@{BUSY}"
            added = self._api.post("email-addresses", {"address": address, "domainId": self._domain_id})
            assert added.status == 201, added
            deleted = self._api.delete(f"email-addresses/{added.body['id']}")
            assert deleted.status == 200, deleted
            self.answers += [added, deleted]


def test_a_single_change_is_confirmed_while_a_burst_on_another_domain_goes_on(
    stack_with: Callable[..., Stack], key: str, user: User, pytestconfig: pytest.Config
) -> None:
    quiet = QUIET if pytestconfig.getoption("full") else QUIET[:1]
    stack = stack_with(SES_CALLS_PER_SECOND="1")
    stack.start()
    api = stack.web_api.with_key(key)
    rows = stock(stack, user, [BUSY, *quiet], addresses=2)
    stack.aws.take_only(1.0)
    stack.aws.clear_journal()
    burst = Burst(api, rows[BUSY][0].domain_id)
    singles: list[Answer] = []

    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(burst.run, number) for number in range(CLIENTS)]
        try:
            eventually(lambda: len(burst.answers) >= CLIENTS, within=60, what="the burst was going on")
            for name in quiet:
                singles += [delete(api, rows[name][0]), add(api, rows[name][1])]
        finally:
            burst.end()
        for client in clients:
            client.result()

    waited = [(confirmed(answer), round(answer.seconds, 1)) for answer in singles]
    assert all(held for held, _ in waited), waited
    # It did go on all the while: every other call or so was the burst's.
    rules = [call["parameters"].get("Rule", {}).get("Name") for call in stack.aws.calls(*RULE_CALLS)]
    assert rules.count(f"inbound-{BUSY}-rule") >= len(singles)
    assert stack.aws.refused() == []
    wait_until_nothing_is_owed(within=30)
    assert_ses_equals_rows(stack)
    assert_ledger_equals_ses(stack)
    assert_no_rule_receives_everything(stack)


def delete(api: Api, row: EmailAddress) -> Answer:
    return api.delete(f"email-addresses/{row.pk}")


def add(api: Api, neighbour: EmailAddress) -> Answer:
    name = neighbour.domain.name
    return api.post("email-addresses", {"address": f"single@{name}", "domainId": neighbour.domain_id})


def confirmed(answer: Answer) -> bool:
    """Whether the answer says that SES has followed."""
    body = answer.body
    held: bool = body["cleanup"]["sesRuleUpdated"] if "cleanup" in body else body["isReceiptRuleConfigured"]
    return held
