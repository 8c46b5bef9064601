from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from endpoints.models import Endpoint
from endpoints.webhooks.sealing import seal
from inbound.models import Scope
from inbound.tests.support.factories import EndpointFactory, UserFactory

pytestmark = pytest.mark.sqlite

URL = "/api/v2/endpoints"


def names(response) -> list[str]:
    assert response.status_code == 200
    return [row["name"] for row in response.json()["data"]]


def aged(*ages: int, **fields) -> list[Endpoint]:
    """One endpoint for each age in days, named by its age."""
    rows = [EndpointFactory.create(name=str(age), **fields) for age in ages]
    for age, row in zip(ages, rows, strict=True):
        Endpoint.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(days=age))
    return rows


def test_a_row_has_every_field_of_the_contract(api, user):
    endpoint = EndpointFactory.create(
        owner=user, name="Main", config={"url": "https://example.org/"}, sealed_secret=seal("shown")
    )
    answer = api.get(URL)
    assert answer.json() == {
        "data": [
            {
                "id": endpoint.pk,
                "name": "Main",
                "type": "webhook",
                "config": {"url": "https://example.org/", "secret": "shown"},
                "signingSecret": "whsec_c2hvd24=",
                "previousSecretValidUntil": None,
                "isActive": True,
                "inactiveReason": None,
                "description": None,
                "userId": str(user.pk),
                "createdAt": answer.json()["data"][0]["createdAt"],
                "updatedAt": answer.json()["data"][0]["updatedAt"],
                "groupEmails": None,
                "deliveryStats": {"total": 0, "successful": 0, "failed": 0, "lastDelivery": None},
            }
        ],
        "pagination": {"limit": 50, "offset": 0, "total": 1, "hasMore": False},
    }
    expected = endpoint.created_at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{endpoint.created_at.microsecond // 1000:03}Z"
    assert answer.json()["data"][0]["createdAt"] == expected


def test_a_group_is_listed_with_its_addresses(api, user):
    emails = ["jo@example.org", "mo@example.org"]
    EndpointFactory.create(owner=user, type="email_group", config={"emails": emails})
    EndpointFactory.create(owner=user, type="email", config={"forwardTo": "jo@example.org"})
    assert [row["groupEmails"] for row in api.get(f"{URL}?sortBy=oldest").json()["data"]] == [emails, None]


def test_endpoints_are_listed_newest_first(api, user):
    aged(2, 1, 3, owner=user)
    assert names(api.get(URL)) == ["1", "2", "3"]
    assert names(api.get(f"{URL}?sortBy=newest")) == ["1", "2", "3"]
    assert names(api.get(f"{URL}?sortBy=")) == ["1", "2", "3"]


def test_sort_by_can_list_the_oldest_first(api, user):
    aged(2, 1, 3, owner=user)
    assert names(api.get(f"{URL}?sortBy=oldest")) == ["3", "2", "1"]


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_pages_are_disjoint_and_complete_for_equal_times(api, user, order):
    EndpointFactory.create_batch(7, owner=user)
    Endpoint.objects.update(created_at=timezone.now())
    pages = [api.get(f"{URL}?limit=2&offset={offset}&sortBy={order}").json() for offset in (0, 2, 4, 6)]
    ids = [row["id"] for page in pages for row in page["data"]]
    assert sorted(ids) == sorted(Endpoint.objects.values_list("pk", flat=True))
    assert [page["pagination"]["hasMore"] for page in pages] == [True, True, True, False]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("type=webhook", ["hook", "off"]),
        ("type=email", ["mail"]),
        ("type=email_group", []),
        ("type=", ["hook", "mail", "off"]),
        ("active=true", ["hook", "mail"]),
        ("active=false", ["off"]),
        ("type=webhook&active=true", ["hook"]),
    ],
)
def test_the_list_is_filtered(api, user, query, expected):
    EndpointFactory.create(owner=user, name="hook")
    EndpointFactory.create(owner=user, name="mail", type="email", config={"forwardTo": "jo@example.org"})
    EndpointFactory.create(owner=user, name="off", is_active=False)
    answer = api.get(f"{URL}?{query}")
    assert sorted(names(answer)) == expected
    assert answer.json()["pagination"]["total"] == len(expected)


def test_other_users_endpoints_are_not_listed(client_for, user):
    EndpointFactory.create(owner=user)
    answer = client_for(UserFactory.create()).get(URL)
    assert answer.json() == {"data": [], "pagination": {"limit": 50, "offset": 0, "total": 0, "hasMore": False}}


@pytest.mark.parametrize("size", [1, 30])
def test_statements_do_not_grow_with_the_list(api, user, django_assert_num_queries, size):
    EndpointFactory.create_batch(size, owner=user)
    EndpointFactory.create_batch(size, owner=user, type="email_group", config={"emails": ["jo@example.org"]})
    # key with its owner, last use, count, page, numbers of deliveries
    with django_assert_num_queries(5):
        assert len(names(api.get(URL))) == min(size * 2, 50)


@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=ten", "offset=-1", "offset=x", "limit=1.5"])
def test_an_invalid_page_is_refused(api, query):
    answer = api.get(f"{URL}?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"] in ("Limit must be between 1 and 100", "Offset must be non-negative")


def test_reading_needs_the_read_scope(client_for, user):
    answer = client_for(user, Scope.WRITE, Scope.DELETE).get(URL)
    assert (answer.status_code, answer.json()) == (403, {"error": "This API key lacks the 'read' scope."})


def test_listing_makes_no_call(api, user, aws):
    EndpointFactory.create(owner=user)
    api.get(URL)
    assert aws.journal() == []
