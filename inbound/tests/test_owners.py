"""Nothing of one owner shows to another: every path that there is, by every method."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import get_resolver

from addresses.deletion_plan import plan_of as address_plan
from addresses.models import BlockedEmail, EmailAddress
from domains.deletion_plan import plan_of as domain_plan
from domains.models import DnsRecord, Domain, DomainDeletion
from endpoints.models import Endpoint
from inbound.tests.factories import (
    BlockedEmailFactory,
    DnsRecordFactory,
    DomainFactory,
    EmailAddressFactory,
    EndpointFactory,
    UserFactory,
)
from inbound.tests.test_idempotency import routes

METHODS = ["get", "head", "options", "post", "put", "patch", "delete"]
ROUTES = dict(routes(get_resolver().url_patterns))
OF_ONE = [route for route in ROUTES if "<" in route]
OF_MANY = [route for route in ROUTES if "<" not in route]
# What PUT /domains/{id} and its like take, so that it is not the body that they refuse.
BODY = {"isCatchAllEnabled": False, "isActive": False, "name": "Mine now"}
MODELS = (Domain, EmailAddress, BlockedEmail, DnsRecord, Endpoint, DomainDeletion)


@pytest.fixture
def world(ses, user) -> list[str]:
    """One row of each kind; its id is the first word of its path. Returns the tokens of its plans."""
    endpoint = EndpointFactory(pk="endpoints", owner=user, name="theirs")
    domain = DomainFactory(
        pk="domains", owner=user, name="theirs.example.com", is_catch_all_enabled=True, catch_all_endpoint=endpoint
    )
    address = EmailAddressFactory(pk="email-addresses", domain=domain)
    BlockedEmailFactory(pk="blocked-emails", domain=domain)
    DnsRecordFactory(pk="dns-records", domain=domain)
    DomainDeletion.objects.create(pk="deletions", domain_id="indm_gone", name="gone.theirs.example.com", owner=user)
    return [str(domain_plan(domain).token), str(address_plan(address).token)]


def everything() -> list[Any]:
    return [list(model._default_manager.order_by("pk").values()) for model in MODELS]


@pytest.mark.parametrize("route", OF_ONE)
def test_what_belongs_to_somebody_else_is_as_if_it_were_not_there(world, ses, client_for, route):
    stranger = client_for(UserFactory())
    theirs = "/api/v2/" + re.sub("<[^>]+>", route.partition("/")[0], route)
    nothing = "/api/v2/" + re.sub("<[^>]+>", "nothing", route)
    before = everything()
    ses.clear_journal()
    queries = ["", "?dry_run=true", *(f"?plan={token}" for token in world), f"?dry_run=true&plan={world[0]}"]
    for method in METHODS:
        for query in queries if method == "delete" else [""]:
            body = BODY if method in ("post", "put", "patch") else None
            answer = getattr(stranger, method)(theirs + query, body)
            allowed = hasattr(ROUTES[route].cls, method.replace("head", "get")) and method != "options"
            assert answer.status_code == (404 if allowed else 405), (method, query)
            assert answer.content == getattr(stranger, method)(nothing + query, body).content
    assert everything() == before
    assert ses.journal() == []


@pytest.mark.parametrize("route", OF_MANY)
def test_no_list_and_no_count_has_anything_of_somebody_else(world, client_for, route):
    stranger = client_for(UserFactory())
    answer = stranger.get(f"/api/v2/{route}")
    assert "theirs" not in answer.content.decode()
    if answer.status_code == 200:
        assert answer.json()["data"] == []
    else:
        assert answer.status_code == 405


def test_the_rows_are_there_for_their_owner(world, api):
    """Or the tests above would show nothing."""
    for route in OF_ONE:
        if hasattr(ROUTES[route].cls, "get"):
            answer = api.get("/api/v2/" + re.sub("<[^>]+>", route.partition("/")[0], route))
            assert answer.status_code == 200, route
