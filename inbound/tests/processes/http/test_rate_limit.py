"""Processes of a server share the limit of a key."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import pytest

from inbound.models import KeyRequests
from inbound.tests.processes.support.clients import by_clients
from inbound.tests.processes.support.stack import Stack, wait_for

pytestmark = [pytest.mark.postgresql, pytest.mark.processes]

LIMIT, AT_ONCE = 150, 6
# Each of them alone would let through as many as the limit, which no process gets in a second.
PROCESSES = 3


def test_processes_let_through_little_more_than_the_limit(stack_with: Callable[..., Stack], key: str) -> None:
    stack = stack_with(API_REQUESTS_PER_MINUTE=str(LIMIT), WEB_WORKERS=str(PROCESSES))
    stack.web.start()
    api, statuses = stack.web_api.with_key(key), Counter[int]()

    def all_are_refused() -> bool:
        """Send some requests, until the processes know of each other's."""
        answers = by_clients(lambda _: api.get("endpoints").status, range(AT_ONCE), clients=AT_ONCE)
        statuses.update(answers)
        return set(answers) == {429}

    began = time.time()
    wait_for(all_are_refused, within=50, what="the limit is reached")
    minutes = int(time.time() // 60) - int(began // 60) + 1
    assert LIMIT <= statuses[200] < PROCESSES * LIMIT * minutes
    assert set(statuses) == {200, 429}
    assert KeyRequests.objects.get().requests > 0
