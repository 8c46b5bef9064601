"""A query has the parameters of its call and nothing else, and lists are searched by name."""

from __future__ import annotations

import pytest

from inbound.tests.api.routes import ROUTES, path_of
from inbound.tests.support.factories import BlockedEmailFactory, DomainFactory, EmailAddressFactory, EndpointFactory
from rest.viewsets import query_names

OPERATIONS = [
    (route, method, action)
    for route, view in ROUTES.items()
    for method, action in view.actions.items()
    if method != "head"
]
# Misspelt or of another call.
UNKNOWN = ["staus", "Status", "domain_id", "page", "_", "format", "dryRun", "dry_run%20", "limit%00"]


@pytest.mark.parametrize(("route", "method", "action"), OPERATIONS)
def test_an_unknown_parameter_is_refused_and_the_known_ones_are_named(api, route, method, action):
    known = ", ".join(query_names(ROUTES[route].cls, action)) or "none"
    for name in UNKNOWN:
        answer = api.generic(method.upper(), f"{path_of(route)}?{name}=x")
        assert answer.status_code == 400, name
        assert f"is not a query parameter of this call. It takes: {known}." in answer.json()["error"]
        assert answer.json()["error"].endswith("Nothing was changed.") == (method != "get")


def test_a_long_name_is_not_repeated(api):
    answer = api.get(f"/api/v2/domains?{'a' * 500}=1")
    assert (answer.status_code, len(answer.content) < 300) == (400, True)


@pytest.mark.parametrize("name", ["domainId", "domain", "search", "limit", "address"])
def test_a_parameter_has_one_value(api, name):
    answer = api.get(f"/api/v2/email-addresses?{name}=1&{name}=2")
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": f"{name} is given more than once, with different values."},
    )


@pytest.fixture
def rows(user):
    """Rows of the caller and of others."""
    for name in ("shop.example", "xn--bcher-kva.example"):
        domain = DomainFactory(owner=user, name=name)
        endpoint = EndpointFactory(
            owner=user, name=f"CRM of {name}", description="Sales", config={"url": "https://c.example"}
        )
        EmailAddressFactory(domain=domain, address=f"jo@{name}", endpoint=endpoint)
        EmailAddressFactory(domain=domain, address=f"info@{name}")
        BlockedEmailFactory(domain=domain, email_address=f"spam@{name}", reason="Advertising")
    others = DomainFactory(name="other.example")
    EmailAddressFactory(
        domain=others, address="jo@other.example", endpoint=EndpointFactory(owner=others.owner, name="CRM")
    )
    BlockedEmailFactory(domain=others, email_address="spam@other.example")


LOOK_UPS = [
    ("domains", "domain=shop.example", ["shop.example"]),
    ("domains", "domain=SHOP.example.", ["shop.example"]),
    ("domains", "domain=B%C3%BCcher.example", ["xn--bcher-kva.example"]),
    ("domains", "domain=other.example", []),
    ("domains", "domain=shop", []),
    ("domains", "search=hop.ex", ["shop.example"]),
    ("domains", "search=EXAMPLE", ["shop.example", "xn--bcher-kva.example"]),
    ("domains", "search=%25", []),
    ("email-addresses", "address=Jo@shop.example", ["jo@shop.example"]),
    ("email-addresses", "address=jo@other.example", []),
    ("email-addresses", "address=jo", []),
    ("email-addresses", "domain=shop.example", ["info@shop.example", "jo@shop.example"]),
    ("email-addresses", "domain=shop.example&isActive=false", []),
    ("email-addresses", "domain=shop.example&isReceiptRuleConfigured=false", ["info@shop.example", "jo@shop.example"]),
    ("email-addresses", "domain=other.example", []),
    ("email-addresses", "search=jo@", ["jo@shop.example", "jo@xn--bcher-kva.example"]),
    ("email-addresses", "search=jo@&domain=shop.example", ["jo@shop.example"]),
    ("endpoints", "address=jo@shop.example", ["CRM of shop.example"]),
    ("endpoints", "address=jo@other.example", []),
    ("endpoints", "search=of%20shop", ["CRM of shop.example"]),
    ("endpoints", "search=sales&sortBy=oldest", ["CRM of shop.example", "CRM of xn--bcher-kva.example"]),
    ("endpoints", "search=c.example", []),
    ("blocked-emails", "address=spam@SHOP.example", ["spam@shop.example"]),
    ("blocked-emails", "domain=shop.example", ["spam@shop.example"]),
    ("blocked-emails", "search=advert&domain=shop.example", ["spam@shop.example"]),
    ("blocked-emails", "address=spam@other.example", []),
]
NAMES = {"domains": "domain", "email-addresses": "address", "endpoints": "name", "blocked-emails": "emailAddress"}


@pytest.mark.sqlite
def test_rows_are_found_by_name(api, rows, subtests):
    for path, query, expected in LOOK_UPS:
        with subtests.test(path=path, query=query):
            answer = api.get(f"/api/v2/{path}?{query}").json()
            assert sorted(row[NAMES[path]] for row in answer["data"]) == expected
            assert answer["pagination"]["total"] == len(expected)


CHOICES = [
    ("domains?status=foo", "status must be one of: pending, verified, failed"),
    ("endpoints?type=fax", "type must be one of: webhook, email, email_group"),
    ("endpoints?sortBy=name", "sortBy must be one of: newest, oldest"),
    ("mail?status=read", "status must be one of: all, processed, failed"),
    ("mail?timeRange=1y", "timeRange must be one of: 30d, 24h, 7d, 90d, all"),
]


@pytest.mark.parametrize(("path", "error"), CHOICES)
def test_an_unknown_value_is_refused_and_the_known_ones_are_named(api, path, error):
    answer = api.get(f"/api/v2/{path}")
    assert (answer.status_code, answer.json()) == (400, {"error": error})


@pytest.mark.parametrize("route", ROUTES)
def test_options_tells_the_methods_without_a_key_and_nothing_else(client, route):
    answer = client.options(path_of(route))
    assert (answer.status_code, answer.content) == (204, b"")
    methods = {method.upper() for method in ROUTES[route].actions} | {"HEAD", "OPTIONS"}
    assert {*answer["Allow"].split(", ")} in (methods, methods - {"HEAD"})
