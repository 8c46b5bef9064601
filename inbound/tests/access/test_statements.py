"""Whoever has access to domains of others costs no more statements than their owner."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from inbound.tests.access.table import CASES
from inbound.tests.access.test_roles import said_by, world
from inbound.tests.api.routes import path_of

__all__ = ["world"]

READS = [route for (method, route), case in CASES.items() if method == "get" and case.statuses[2] == 200]


def statements(client: APIClient, route: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(path_of(route))
        said_by(answer)
    assert answer.status_code == 200
    return [query["sql"] for query in captured.captured_queries]


@pytest.mark.parametrize("route", READS)
def test_a_read_of_a_viewer_takes_no_more_statements_than_the_owners(
    route, world, client_for: Callable[..., APIClient]
):
    counts = {}
    for role in ("owner", "manager", "viewer"):
        client = client_for(world[role])
        statements(client, route)  # records the use of the key
        counts[role] = len(statements(client, route))
    assert counts["viewer"] <= counts["owner"]
    assert counts["manager"] <= counts["owner"]


@pytest.mark.parametrize("route", READS)
def test_no_statement_for_others_looks_at_shares_except_that_which_finds_the_key(route, world, client_for):
    client = client_for(world["owner"])
    for sql in statements(client, route):
        assert "domainaccess" not in sql or "inbound_apikey" in sql
