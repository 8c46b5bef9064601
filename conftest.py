"""What every test may use: an emulated AWS and a database that are empty before each test, and clients of the API."""

from __future__ import annotations

import gc
import io
import os
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.signals import post_migrate
from django.test import TransactionTestCase
from hypothesis import settings as hypothesis_settings
from rest_framework.test import APIClient

from domains.tests.dns_server import PublishedDns
from inbound.models import Scope, issue_key
from inbound.tests.support.database import empty_tables
from inbound.tests.support.factories import UserFactory, WorkerFactory
from inbound.tests.support.rotation import Rotation, rotation_of
from ses_integration.aws import account, clients
from ses_integration.conf import ses_config
from ses_integration.emulator.server import Emulator
from workers.models import Worker, WorkerKind

# CI takes the same examples each time, so that it fails only for a change; at night there are more, and new ones.
hypothesis_settings.register_profile("steady", deadline=None, derandomize=True, stateful_step_count=25)
hypothesis_settings.register_profile("nightly", deadline=None, max_examples=2000, stateful_step_count=60)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

# Receivers reconcile after the commit, so a test inside a transaction would not show what the product does.
TRANSACTIONAL = pytest.mark.django_db(transaction=True)

# Creating permissions and groups takes longer than most tests, and those that need them create them.
post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
post_migrate.disconnect(dispatch_uid="inbound.people.groups")

# Tests with these marks take longest. They start first, so that the workers of a parallel run finish at the same time.
SLOW_MARKS = ("slow", "processes", "sqlite_only", "hypothesis")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="run every generated case, not the part that rotates")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Three workers for every two processors, because many tests only wait: for a process, or for time to pass."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(2, processors * 3 // 2)


def pytest_collection_finish() -> None:
    """Keep the garbage collector away from thousands of modules, functions and test items."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("postgresql") and connection.vendor != "postgresql":
            item.add_marker(pytest.mark.skip(reason="about concurrency, crashes or exact statements: PostgreSQL only"))
    items.sort(key=lambda item: [item.get_closest_marker(mark) is None for mark in SLOW_MARKS])


@pytest.fixture(scope="session", autouse=True)
def quick_flush() -> Iterator[None]:
    """Empty the database after a test without Django's `flush`, and keep the connection."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: empty_tables())
        patch.setattr(TransactionTestCase, "_should_reload_connections", lambda case: False)
        yield


@pytest.fixture(scope="session", autouse=True)
def emulator_process() -> Iterator[Emulator]:
    emulator = Emulator(smtp_port=0)
    emulator.start()
    os.environ["AWS_ENDPOINT_URL"] = emulator.url
    clients.forget()
    # Asked once for each process: not in the journal of whichever test comes first.
    account.of_credentials(ses_config())
    yield emulator
    emulator.stop()


@pytest.fixture(scope="session", autouse=True)
def empty_dns() -> Iterator[None]:
    """A resolver for which no name exists."""
    server = PublishedDns()
    server.start()
    settings.DNS_RESOLVERS = [server.address]
    yield
    server.stop()


@pytest.fixture(autouse=True)
def aws(emulator_process: Emulator) -> Emulator:
    """An empty AWS: no rule set, no bucket, no journal."""
    emulator_process.reset()
    return emulator_process


@pytest.fixture
def ses(aws: Emulator, transactional_db: None) -> Emulator:
    """An AWS as `ses_setup` leaves it, with an empty journal, and its account recorded."""
    config = ses_config()
    aws.prepare(config.region, rule_set=config.rule_set, bucket=config.bucket)
    account.record(config, account.of_credentials(config))
    return aws


@pytest.fixture
def alive(transactional_db: None) -> list[Worker]:
    """A worker of each kind. While none is, nobody is told that something goes on by itself."""
    return [WorkerFactory(kind=kind) for kind in WorkerKind]


@pytest.fixture
def rotation(pytestconfig: pytest.Config) -> Rotation:
    """Which generated cases this run takes."""
    return rotation_of(pytestconfig)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """`answer("y")`: what somebody at a terminal answers from now on."""
    return lambda text: monkeypatch.setattr("sys.stdin", Terminal(f"{text}\n"))


@pytest.fixture
def user(transactional_db: None) -> User:
    return UserFactory()


@pytest.fixture
def client_for() -> Callable[..., APIClient]:
    """`client_for(user)` or `client_for(user, Scope.READ)`: a client with a key of that user, with those scopes."""

    def make(owner: User, *scopes: Scope) -> APIClient:
        _, key = issue_key(owner=owner, name="test", scopes=list(scopes) or None)
        client = APIClient(raise_request_exception=False)
        client.default_format = "json"
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
        return client

    return make


@pytest.fixture
def api(user: User, client_for: Callable[..., APIClient]) -> APIClient:
    """The API as `user` sees it, with every scope."""
    return client_for(user)
