"""The state is that of one moment, although it takes many statements."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection, connections

from desk.state.read import read_state
from desk.state.values import Kind
from inbound.tests.support.factories import DomainFactory

pytestmark = pytest.mark.postgresql


def add_in_another_session() -> None:
    def add() -> None:
        DomainFactory()
        connections.close_all()

    thread = threading.Thread(target=add)
    thread.start()
    thread.join()


def test_what_changes_meanwhile_is_seen_by_all_statements_or_by_none(ses, alive, settings):
    settings.SES_REQUEST_BUDGET = 0.0
    DomainFactory()
    added = 0

    def meanwhile(execute: Any, sql: Any, *rest: Any) -> Any:
        nonlocal added
        result = execute(sql, *rest)
        if "domainsync" in sql:
            add_in_another_session()
            added += 1
        return result

    with connection.execute_wrapper(meanwhile):
        state = read_state()
    assert added > 1
    assert state.by_kind[Kind.SES_CHANGE].number == len(state.findings) == 1
    assert read_state().by_kind[Kind.SES_CHANGE].number == added + 1
