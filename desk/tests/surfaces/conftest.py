"""Ask every surface, as an operator and as the owner of the domains."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.db import connection
from rest_framework.test import APIClient

from desk.tests.surfaces.reading import Said, read
from inbound.tests.processes.support.stack import Process, environment, url_of_database
from ses_integration.emulator.server import Emulator


@pytest.fixture
def surfaces(api: APIClient, admin_user: User) -> Callable[[], Said]:
    """`surfaces()`: what all of them say now. `user` owns the domains and asks the API."""
    return lambda: read(api, admin_user)


@pytest.fixture
def worker_settings() -> dict[str, str]:
    """Settings of `worker`, besides the shipped ones."""
    return {}


@pytest.fixture
def worker(ses: Emulator, tmp_path: Path, worker_settings: dict[str, str]) -> Iterator[Process]:
    """A real one, on the database and the AWS of this test."""
    url = url_of_database(os.environ["DATABASE_URL"], str(connection.settings_dict["NAME"]))
    env = environment(url, urlsplit(ses.url).port or 0, **worker_settings)
    command = [sys.executable, "manage.py", "ses_worker"]
    process = Process(command, env, tmp_path / "worker.log", lambda said: "is running." in said)
    yield process
    process.stop()
