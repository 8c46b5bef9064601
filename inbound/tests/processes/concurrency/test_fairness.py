"""At one call a second, many clients keep changing one domain; single changes of other domains are still confirmed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User

from addresses.models import EmailAddress
from inbound.tests.processes.support.checks import (
    assert_consistent,
    wait_until_idle,
)
from inbound.tests.processes.support.clients import RULE_CALLS, Answer, Api
from inbound.tests.processes.support.seed import seed
from inbound.tests.processes.support.stack import Stack, wait_for

pytestmark = [pytest.mark.postgresql, pytest.mark.processes]

BUSY = "busy.example.com"
CLIENTS = 16
# All of them with `--full`, because each change takes seconds.
QUIET = ["one.example.com", "two.example.com", "three.example.com"]


class Burst:
    """Clients that keep adding and deleting an address of one domain until `end`."""

    def __init__(self, api: Api, domain_id: str) -> None:
        self._api = api
        self._domain_id = domain_id
        self._end = threading.Event()
        self.answers: list[Answer] = []

    def end(self) -> None:
        self._end.set()

    def run(self, number: int) -> None:
        """Run one of the clients. Raises AssertionError for an answer without success."""
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
    rows = seed(stack, user, [BUSY, *quiet], addresses=2)
    stack.aws.limit_rate(1.0)
    stack.aws.clear_journal()
    burst = Burst(api, rows[BUSY][0].domain_id)
    singles: list[Answer] = []

    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(burst.run, number) for number in range(CLIENTS)]
        try:
            wait_for(lambda: len(burst.answers) >= CLIENTS, within=60, what="the burst has started")
            for name in quiet:
                singles += [delete(api, rows[name][0]), add(api, rows[name][1])]
        finally:
            burst.end()
        for client in clients:
            client.result()

    waited = [(confirmed(answer), round(answer.seconds, 1)) for answer in singles]
    assert all(held for held, _ in waited), waited
    # The burst did not stop meanwhile: about every second call was one of its own.
    rules = [call["parameters"].get("Rule", {}).get("Name") for call in stack.aws.calls(*RULE_CALLS)]
    assert rules.count(f"inbound-{BUSY}-rule") >= len(singles)
    assert stack.aws.refused() == []
    wait_until_idle(within=30)
    assert_consistent(stack)


def delete(api: Api, row: EmailAddress) -> Answer:
    return api.delete(f"email-addresses/{row.pk}")


def add(api: Api, neighbour: EmailAddress) -> Answer:
    name = neighbour.domain.name
    return api.post("email-addresses", {"address": f"single@{name}", "domainId": neighbour.domain_id})


def confirmed(answer: Answer) -> bool:
    """Whether the answer says that SES is up to date."""
    body = answer.body
    held: bool = body["cleanup"]["sesRuleUpdated"] if "cleanup" in body else body["isReceiptRuleConfigured"]
    return held
