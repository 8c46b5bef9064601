"""A probe answers soon, whatever the database does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection
from django.test import Client

from workers.models import Worker
from workers.wording import NO_DATABASE

pytestmark = pytest.mark.postgresql


@contextmanager
def locked() -> Iterator[None]:
    """A table that another session has locked."""
    parameters = connection.get_connection_params()
    names = ("dbname", "user", "password", "host", "port")
    with psycopg.connect(**{name: parameters[name] for name in names if name in parameters}) as other:
        other.execute(f"LOCK TABLE {Worker._meta.db_table}")
        yield


def test_readyz_does_not_wait_for_a_table_that_is_locked(alive):
    began = time.monotonic()
    with locked():
        answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["problems"]) == (503, [NO_DATABASE])
    assert time.monotonic() - began < 5
    assert NO_DATABASE not in Client().get("/readyz").json()["problems"]


def test_metrics_do_not_wait_for_a_table_that_is_locked(alive):
    began = time.monotonic()
    with locked():
        answer = Client().get("/metrics")
    assert b"inbound_database_up 0.0" in answer.content
    assert time.monotonic() - began < 5
