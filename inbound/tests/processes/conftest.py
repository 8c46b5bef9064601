"""Processes for a test: it starts them, they end with it, and their logs are shown if it fails."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from inbound.models import issue_key
from inbound.tests.processes.support.clients import Api
from inbound.tests.processes.support.quick_stack import QuickStack
from inbound.tests.processes.support.stack import Stack, url_of_database

SHOWN_CHARACTERS = 6000


@pytest.fixture
def stack_with(tmp_path: Path, transactional_db: None) -> Iterator[Callable[..., Stack]]:
    """`stack_with(SES_SWEEP_SECONDS="1")`: processes with these settings on the test database, not started yet."""
    stacks: list[Stack] = []

    def make(kind: type[Stack] = Stack, **settings: str) -> Stack:
        url = url_of_database(os.environ["DATABASE_URL"], str(connection.settings_dict["NAME"]))
        folder = tmp_path / f"stack{len(stacks)}"
        folder.mkdir()
        stacks.append(kind(folder, url, **settings))
        return stacks[-1]

    yield make
    for stack in stacks:
        stack.stop()


@pytest.fixture
def stack(stack_with: Callable[..., Stack]) -> Stack:
    """Processes with the usual settings, not started yet."""
    return stack_with()


@pytest.fixture
def quick_stack(stack_with: Callable[..., Stack]) -> Stack:
    """The same with fewer processes, for tests with few requests."""
    return stack_with(QuickStack)


@pytest.fixture
def key(user: User) -> str:
    """An API key with every scope."""
    return issue_key(owner=user, name="test")[1]


@pytest.fixture
def api(stack: Stack, key: str) -> Api:
    """A client of the stack's server. Replaces the in-process client of the other tests."""
    return stack.web_api.with_key(key)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    outcome = yield
    report = outcome.get_result()
    folder = getattr(item, "funcargs", {}).get("tmp_path")
    if report.failed and folder is not None:
        for log in sorted(folder.glob("stack*/*.log")):
            report.sections.append((f"log of {log.stem}", log.read_text(errors="replace")[-SHOWN_CHARACTERS:]))
