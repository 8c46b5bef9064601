from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.http import QueryDict

from inbound.tests.api.routes import ROUTES
from inbound.tests.support.factories import (
    BlockedEmailFactory,
    DnsRecordFactory,
    DomainFactory,
    EmailAddressFactory,
    EndpointFactory,
)

URL = "/api/v2/endpoints"
LIMIT, OFFSET = "Limit must be between 1 and 100", "Offset must be non-negative"
NO_NUMBERS = [
    "ten",
    "1.5",
    "1e3",
    "10abc",
    "1_0",
    "%2B1",
    "%201",
    "--1",
    "-",
    "٣",
    "²",
    "0x10",
    "%00",
    "9" * 30,
    "null",
]


@pytest.fixture
def five(user) -> None:
    EndpointFactory.create_batch(5, owner=user)


def page(api, query: str = "") -> tuple[int, dict]:
    body = api.get(f"{URL}?{query}").json()
    return len(body["data"]), body["pagination"]


@pytest.mark.parametrize("limit", ["0", "-1", "-0", *NO_NUMBERS])
def test_an_invalid_limit_is_refused(api, limit):
    answer = api.get(f"{URL}?limit={limit}")
    assert (answer.status_code, answer.json()) == (400, {"error": LIMIT})


@pytest.mark.parametrize("offset", ["-1", str(2**31), str(2**63), *NO_NUMBERS])
def test_an_invalid_offset_is_refused(api, offset):
    answer = api.get(f"{URL}?offset={offset}")
    assert (answer.status_code, answer.json()) == (400, {"error": OFFSET})


@pytest.mark.parametrize("query", ["", "limit=", "offset=", "limit=&offset="])
def test_the_default_is_the_first_50_rows(api, five, query):
    assert page(api, query) == (5, {"limit": 50, "offset": 0, "total": 5, "hasMore": False})


@pytest.mark.parametrize("limit", [100, 101, 100_000])
def test_a_limit_over_100_is_taken_as_100(api, five, limit):
    assert page(api, f"limit={limit}") == (5, {"limit": 100, "offset": 0, "total": 5, "hasMore": False})


def test_a_page_has_at_most_its_limit(api, user):
    EndpointFactory.create_batch(103, owner=user)
    assert page(api) == (50, {"limit": 50, "offset": 0, "total": 103, "hasMore": True})
    assert page(api, "limit=1000") == (100, {"limit": 100, "offset": 0, "total": 103, "hasMore": True})
    assert page(api, "limit=100&offset=100") == (3, {"limit": 100, "offset": 100, "total": 103, "hasMore": False})


@pytest.mark.parametrize(
    ("query", "length", "has_more"),
    [
        ("limit=2", 2, True),
        ("limit=2&offset=2", 2, True),
        ("limit=2&offset=4", 1, False),
        ("limit=5", 5, False),
        ("offset=5", 0, False),
        ("offset=2147483647", 0, False),
        ("limit=007", 5, False),
    ],
)
def test_has_more_says_whether_rows_follow(api, five, query, length, has_more):
    rows, pagination = page(api, query)
    assert (rows, pagination["hasMore"], pagination["total"]) == (length, has_more, 5)


@pytest.mark.parametrize("is_short", [True, False])
@pytest.mark.parametrize(
    ("route", "factory"),
    [
        ("domains", DomainFactory),
        ("email-addresses", EmailAddressFactory),
        ("blocked-emails", BlockedEmailFactory),
        ("dns-records", DnsRecordFactory),
        ("endpoints", EndpointFactory),
    ],
)
def test_a_page_is_the_same_however_the_database_finds_it(user, route, factory, is_short):
    """Sorted or with an index, and from either end."""
    owned = {"owner": user} if route in ("domains", "endpoints") else {"domain": DomainFactory(owner=user)}
    factory.create_batch(7, **owned)
    request = SimpleNamespace(user=user, query_params=QueryDict())
    view = ROUTES[route].cls(action="list", request=request)
    listed = list(view.filter_queryset(view.get_queryset()))
    for offset in range(6):
        expected = listed[offset : offset + 2]
        assert view.page(2, offset, from_end=False, is_short=is_short) == expected
        assert view.page(2, 5 - offset, from_end=True, is_short=is_short) == expected
