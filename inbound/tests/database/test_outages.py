from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections
from django.db.backends.sqlite3.base import DatabaseWrapper as Sqlite

from inbound.api.errors import UNAVAILABLE
from inbound.database.outages import is_outage
from inbound.tests.processes.support.stack import wait_for


@pytest.fixture
def other(transactional_db: None) -> Iterator[Any]:
    """A second connection to the test database."""
    wrapper = connections.create_connection(connection.alias)
    yield wrapper
    wrapper.close()


def error_of(database: Any, *statements: str) -> DatabaseError:
    """The error of the last statement."""
    *others, last = statements
    with database.cursor() as cursor:
        for statement in others:
            cursor.execute(statement)
        with pytest.raises(DatabaseError) as raised:
            cursor.execute(last)
    return raised.value


def is_connected(pid: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE pid = %s)", [pid])
        found: bool = cursor.fetchone()[0]
    return found


@pytest.mark.postgresql
@pytest.mark.parametrize(
    "statements",
    [
        ["SELECT pg_terminate_backend(pg_backend_pid())"],
        ["SET statement_timeout = 1", "SELECT pg_sleep(5)"],
        ["SET lock_timeout = 1", "SELECT pg_advisory_lock(1)"],
        ["SET default_transaction_read_only = on", "DELETE FROM domains_domain"],
    ],
    ids=["the connection is cut", "the server cancels", "the wait for a lock is too long", "a replica is read-only"],
)
def test_an_error_that_passes_is_an_outage(other, statements):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(1)")
        try:
            assert is_outage(error_of(other, *statements))
        finally:
            cursor.execute("SELECT pg_advisory_unlock(1)")


@pytest.mark.postgresql
def test_a_transaction_that_idled_for_too_long_is_an_outage(other):
    with other.cursor() as cursor:
        cursor.execute("SET idle_in_transaction_session_timeout = 1")
        cursor.execute("SELECT pg_backend_pid()")
        [pid] = cursor.fetchone()
        cursor.execute("BEGIN")
    wait_for(lambda: not is_connected(pid), within=10, what="the server has ended the connection")
    assert is_outage(error_of(other, "SELECT 1"))


@pytest.mark.parametrize("statement", ["SELECT * FROM no_such_table", "SELEKT", "SELECT no_such_function()"])
def test_a_mistake_is_not_an_outage(transactional_db, statement):
    assert not is_outage(error_of(connection, statement))


@pytest.mark.parametrize("error", [None, ValueError(), DatabaseError()])
def test_other_errors_are_not_outages(error):
    assert not is_outage(error)


def test_a_locked_file_of_sqlite_is_an_outage(tmp_path: Path, transactional_db):
    settings = {**connection.settings_dict, "NAME": str(tmp_path / "db.sqlite3"), "OPTIONS": {"timeout": 0}}
    database = Sqlite(settings, "file")
    with sqlite3.connect(settings["NAME"]) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert is_outage(error_of(database, "CREATE TABLE one (two)"))
    database.close()


@pytest.mark.sqlite_only
@pytest.mark.skipif(connection.vendor != "sqlite", reason="about a lock of SQLite")
def test_the_api_answers_503_while_sqlite_is_locked(api):
    with sqlite3.connect(connection.settings_dict["NAME"], uri=True) as other:
        other.execute("BEGIN EXCLUSIVE")
        answer = api.get("/api/v2/domains")
        other.rollback()
    assert (answer.status_code, answer.json(), answer["Retry-After"]) == (503, {"error": UNAVAILABLE}, "2")
    assert api.get("/api/v2/domains").status_code == 200
