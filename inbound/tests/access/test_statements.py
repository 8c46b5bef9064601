"""Whoever has access to domains of others costs no more statements than their owner."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from domains.models import Domain
from inbound.tests.access.table import CASES, NAME
from inbound.tests.access.test_roles import said_by, world
from inbound.tests.api.routes import path_of
from inbound.tests.support.factories import BlockedEmailFactory, EmailAddressFactory

__all__ = ["world"]

READS = [route for (method, route), case in CASES.items() if method == "get" and case.statuses[2] == 200]


def statements(client: APIClient, route: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(path_of(route))
        said_by(answer)
    assert answer.status_code == 200
    return [query["sql"] for query in captured.captured_queries]


@pytest.mark.parametrize("route", READS)
def test_a_read_of_a_member_takes_no_more_statements_than_the_owners_and_those_do_not_look_at_shares(
    route, world, client_for: Callable[..., APIClient]
):
    """Except that which finds the key."""
    taken = {}
    for role in ("owner", "manager", "viewer"):
        client = client_for(world[role])
        statements(client, route)  # records the use of the key
        taken[role] = statements(client, route)
    assert len(taken["viewer"]) <= len(taken["owner"])
    assert len(taken["manager"]) <= len(taken["owner"])
    for sql in taken["owner"]:
        assert "domainaccess" not in sql or "inbound_apikey" in sql


# Two of each: for the owner, and for the manager. The last number: statements for the second look at the role.
ADDRESSES, BLOCKED = ("one", "two"), ("three", "four")
WRITES: dict[str, tuple[str, Callable[[int], str], Callable[[int], object], int]] = {
    "add": ("post", lambda n: "email-addresses", lambda n: {"address": f"add{n}@{NAME}", "domainId": "domains"}, 0),
    "change": ("put", lambda n: f"email-addresses/{ADDRESSES[n]}", lambda n: {"endpointId": "endpoints"}, 0),
    "delete": ("delete", lambda n: f"email-addresses/{ADDRESSES[n]}", lambda n: None, 1),
    "block": ("post", lambda n: "blocked-emails", lambda n: {"emailAddress": f"block{n}@{NAME}"}, 0),
    "unblock": ("delete", lambda n: f"blocked-emails/{BLOCKED[n]}", lambda n: None, 1),
    "catch-all": ("put", lambda n: "domains/domains", lambda n: {"isCatchAllEnabled": False}, 0),
    "mark": ("patch", lambda n: f"mail/{('mail', 'attachments')[n]}", lambda n: {"isArchived": True}, 0),
    "retry": ("post", lambda n: f"mail/{('mail', 'attachments')[n]}/retry", lambda n: {}, 0),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_write_of_a_manager_takes_as_many_statements_as_the_owners(write, world, client_for, settings):
    settings.SES_REQUEST_BUDGET = 0
    domain = Domain.objects.get(pk="domains")
    for pk, blocked in zip(ADDRESSES, BLOCKED, strict=True):
        EmailAddressFactory(pk=pk, domain=domain)
        BlockedEmailFactory(pk=blocked, domain=domain)
    method, path, body, more = WRITES[write]
    counts = []
    for number, role in enumerate(("owner", "manager")):
        client = client_for(world[role])
        client.get("/api/v2/domains")  # records the use of the key
        Domain.objects.filter(pk="domains").update(is_catch_all_enabled=True)
        with CaptureQueriesContext(connection) as captured:
            answer = getattr(client, method)(f"/api/v2/{path(number)}", body(number))
        assert answer.status_code in (200, 201), answer.content
        counts.append(len(captured))
    assert counts[1] <= counts[0] + more, counts
