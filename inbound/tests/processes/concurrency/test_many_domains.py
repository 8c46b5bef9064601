"""Eight clients change twenty domains at random: at the end SES matches the database."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.contrib.auth.models import User

from inbound.tests.processes.concurrency.many_domains import CUT_OFF, WEIGHTS, Client
from inbound.tests.processes.support.checks import (
    assert_consistent,
    expire_claims,
    expire_in_flight_calls,
    expire_lease,
    wait_until_idle,
)
from inbound.tests.processes.support.clients import Api
from inbound.tests.processes.support.stack import Process, Stack, wait_for
from inbound.tests.support.factories import EndpointFactory
from ses_integration.models import Lease

pytestmark = [pytest.mark.postgresql, pytest.mark.processes]

CLIENTS = 8
# Fewer without `--full` where nothing else happens meanwhile.
OPERATIONS, FEWER_OPERATIONS = 20, 14


@pytest.fixture
def seed() -> int:
    """A new seed for each run. A failure shows it; set INBOUND_SEED to repeat a run."""
    seed = int(os.environ.get("INBOUND_SEED") or random.randrange(10**9))
    print(f"INBOUND_SEED={seed}")  # noqa: T201 - pytest shows it beside a failure
    return seed


@pytest.fixture
def client_of(stack: Stack, user: User, seed: int) -> Callable[..., Client]:
    endpoint = EndpointFactory(owner=user)
    return lambda number, api, **more: Client(number, seed, stack, api, endpoint.pk, **more)


@contextmanager
def running_clients(clients: list[Client], operations: int) -> Iterator[None]:
    """Run all clients; waits for them at the end, and raises what one of them raised."""
    with ThreadPoolExecutor(len(clients)) as pool:
        working = [pool.submit(client.run, operations) for client in clients]
        try:
            yield
        finally:
            for client in working:
                client.result()


@contextmanager
def paused(*processes: Process) -> Iterator[None]:
    for process in processes:
        process.pause()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


def done(clients: list[Client]) -> int:
    return sum(len(client.done) for client in clients)


def assert_finished(stack: Stack, clients: list[Client]) -> None:
    assert_consistent(stack)
    assert not {address for client in clients for address in client.gone} & stack.aws.recipients()
    # Every kind of step has happened.
    assert {what for client in clients for what in client.done} >= {"add the domain", *WEIGHTS}
    assert any(client.gone for client in clients)


def test_ses_matches_the_database_after_random_changes(
    stack: Stack, api: Api, client_of: Callable[..., Client], pytestconfig: pytest.Config
) -> None:
    stack.start()
    clients = [client_of(number, api) for number in range(CLIENTS)]

    with running_clients(clients, OPERATIONS if pytestconfig.getoption("full") else FEWER_OPERATIONS):
        pass

    wait_until_idle(within=20)
    assert_finished(stack, clients)


def test_ses_matches_the_database_after_one_machine_was_killed_and_another_was_paused(
    stack: Stack, api: Api, key: str, client_of: Callable[..., Client]
) -> None:
    """Two machines, each with a server and a worker. No answer in between claimed too much either."""
    stack.start()
    other_web, other = stack.server("other web")
    other_worker = stack.another_worker("other worker")
    other_web.start(wait=False)
    other_worker.start()
    other_web.wait_until_ready()
    of_one = [client_of(number, api, may_be_cut_off=True) for number in range(0, CLIENTS, 2)]
    of_other = [client_of(number, other.with_key(key), may_be_cut_off=True) for number in range(1, CLIENTS, 2)]
    clients = of_one + of_other

    with running_clients(clients, OPERATIONS):
        wait_for(lambda: done(clients) >= 40, within=60, what="the clients have done 40 steps")
        wait_for(lease_is_held, within=60, what="a process holds the lease")
        for process in (stack.web, stack.worker):
            process.kill()
        expire_lease()
        for process in (stack.web, stack.worker):
            process.start(wait=False)
        stack.web.wait_until_ready()

        wait_for(lease_is_held, within=60, what="a process holds the lease again")
        with paused(other_web, other_worker):
            by_then = done(of_one)
            expire_lease()
            wait_for(lambda: done(of_one) >= by_then + 10, within=60, what="the other machine continues")

    # By now every call was applied, or never will be.
    expire_in_flight_calls()
    expire_claims()
    wait_until_idle(within=30)
    assert CUT_OFF in {what for client in of_one for what in client.done}
    assert_finished(stack, clients)


def lease_is_held() -> bool:
    return Lease.objects.exclude(holder="").exists()
