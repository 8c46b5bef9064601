"""A probe answers soon, whatever the database does."""

from __future__ import annotations

import time

import psycopg
import pytest
from django.db import connection
from django.test import Client

from workers.models import Worker
from workers.wording import NO_DATABASE

pytestmark = pytest.mark.postgresql


def test_readyz_does_not_wait_for_a_table_that_is_locked(alive):
    parameters = connection.get_connection_params()
    names = ("dbname", "user", "password", "host", "port")
    began = time.monotonic()
    with psycopg.connect(**{name: parameters[name] for name in names if name in parameters}) as other:
        other.execute(f"LOCK TABLE {Worker._meta.db_table}")
        answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["problems"]) == (503, [NO_DATABASE])
    assert time.monotonic() - began < 5
    assert NO_DATABASE not in Client().get("/readyz").json()["problems"]
