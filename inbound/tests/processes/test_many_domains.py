"""Eight clients create, switch and delete at random over twenty domains, for a while: at the end SES equals the rows."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.contrib.auth.models import User

from inbound.tests.factories import EndpointFactory
from inbound.tests.processes.checks import (
    assert_ledger_equals_ses,
    assert_no_rule_receives_everything,
    assert_ses_equals_rows,
    expire_lease,
    settle,
    wait_until_nothing_is_owed,
)
from inbound.tests.processes.many_domains import CUT_OFF, WEIGHTS, Client
from inbound.tests.processes.stack import Process, Stack, eventually
from inbound.tests.processes.wire import Api
from ses_integration.models import Lease

pytestmark = [pytest.mark.postgresql, pytest.mark.processes]

CLIENTS = 8
OPERATIONS = 20


@pytest.fixture
def seed() -> int:
    """Another one each time. A failure shows it, and with INBOUND_SEED in the environment it is taken again."""
    seed = int(os.environ.get("INBOUND_SEED") or random.randrange(10**9))
    print(f"INBOUND_SEED={seed}")  # noqa: T201 - pytest shows it beside a failure
    return seed


@pytest.fixture
def client_of(stack: Stack, user: User, seed: int) -> Callable[..., Client]:
    endpoint = EndpointFactory(owner=user)
    return lambda number, api, **more: Client(number, seed, stack, api, endpoint.pk, **more)


@contextmanager
def at_work(clients: list[Client]) -> Iterator[None]:
    """All of them, each with its operations; ends when all have done theirs, and raises what one of them has raised."""
    with ThreadPoolExecutor(len(clients)) as pool:
        working = [pool.submit(client.run, OPERATIONS) for client in clients]
        try:
            yield
        finally:
            for client in working:
                client.result()


@contextmanager
def asleep(*processes: Process) -> Iterator[None]:
    for process in processes:
        process.pause()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


def done(clients: list[Client]) -> int:
    return sum(len(client.done) for client in clients)


def assert_all_is_well(stack: Stack, clients: list[Client]) -> None:
    assert_ses_equals_rows(stack)
    assert_ledger_equals_ses(stack)
    assert_no_rule_receives_everything(stack)
    assert not {address for client in clients for address in client.gone} & stack.aws.recipients()
    # What was not done was not tested.
    assert {what for client in clients for what in client.done} >= {"add the domain", *WEIGHTS}
    assert any(client.gone for client in clients)


def test_ses_equals_the_rows_in_the_end(stack: Stack, api: Api, client_of: Callable[..., Client]) -> None:
    stack.start()
    clients = [client_of(number, api) for number in range(CLIENTS)]

    with at_work(clients):
        pass

    wait_until_nothing_is_owed(within=20)
    assert_all_is_well(stack, clients)


def test_ses_equals_the_rows_though_one_machine_was_killed_and_another_one_slept(
    stack: Stack, api: Api, key: str, client_of: Callable[..., Client]
) -> None:
    """Two machines, each with a server and a worker. No answer that somebody got in between was a lie either."""
    stack.start()
    other_web, other = stack.server("other web")
    other_worker = stack.another_worker("other worker")
    other_web.start(wait=False)
    other_worker.start()
    other_web.wait_until_ready()
    of_one = [client_of(number, api, may_be_cut_off=True) for number in range(0, CLIENTS, 2)]
    of_other = [client_of(number, other.with_key(key), may_be_cut_off=True) for number in range(1, CLIENTS, 2)]
    clients = of_one + of_other

    with at_work(clients):
        eventually(lambda: done(clients) >= 40, within=60, what="the clients were at work")
        eventually(somebody_writes, within=60, what="somebody was writing to SES")
        for process in (stack.web, stack.worker):
            process.kill()
        expire_lease()
        for process in (stack.web, stack.worker):
            process.start(wait=False)
        stack.web.wait_until_ready()

        eventually(somebody_writes, within=60, what="somebody was writing to SES again")
        with asleep(other_web, other_worker):
            by_then = done(of_one)
            expire_lease()
            eventually(lambda: done(of_one) >= by_then + 10, within=60, what="the other machine went on")

    # All that was sent has arrived by now, or never will.
    settle()
    wait_until_nothing_is_owed(within=30)
    assert CUT_OFF in {what for client in of_one for what in client.done}
    assert_all_is_well(stack, clients)


def somebody_writes() -> bool:
    return Lease.objects.exclude(holder="").exists()
