"""What every test may ask for: an AWS that forgets between tests, and clients of the API."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.signals import post_migrate
from hypothesis import settings as hypothesis_settings
from rest_framework.test import APIClient

from inbound.models import Scope, issue_key
from inbound.tests.factories import UserFactory
from ses_integration.aws import account, clients, rule_set
from ses_integration.conf import ses_config
from ses_integration.emulator.server import Emulator

# CI takes the same examples each time, so that it fails only for a change; at night there are more, and new ones.
hypothesis_settings.register_profile("steady", deadline=None, derandomize=True, stateful_step_count=25)
hypothesis_settings.register_profile("nightly", deadline=None, max_examples=2000, stateful_step_count=60)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

# Receivers nudge after the commit, so a test that wraps everything in a transaction would test another program.
TRANSACTIONAL = pytest.mark.django_db(transaction=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("postgresql") and connection.vendor != "postgresql":
            item.add_marker(pytest.mark.skip(reason="about concurrency or crashes: PostgreSQL only"))


@pytest.fixture(scope="session", autouse=True)
def no_permissions_again_and_again() -> None:
    """Emptying the tables after each test would make every permission anew, which costs more than most tests."""
    post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")


@pytest.fixture(scope="session", autouse=True)
def emulator_process() -> Iterator[Emulator]:
    emulator = Emulator()
    emulator.start()
    os.environ["AWS_ENDPOINT_URL"] = emulator.url
    clients.forget()
    # Asked once for each process: not in the journal of whichever test comes first.
    account.of_credentials(ses_config())
    yield emulator
    emulator.stop()


@pytest.fixture(autouse=True)
def aws(emulator_process: Emulator) -> Emulator:
    """An empty AWS: no rule set, no bucket, no journal."""
    emulator_process.reset()
    return emulator_process


@pytest.fixture
def ses(aws: Emulator, settings, transactional_db: None) -> Emulator:
    """An AWS as `ses_setup` leaves it, with an empty journal."""
    settings.SES_AUTO_SETUP = True
    rule_set.prepare(ses_config())
    settings.SES_AUTO_SETUP = False
    aws.clear_journal()
    return aws


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
