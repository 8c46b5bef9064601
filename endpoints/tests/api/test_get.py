from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from addresses.models import EmailAddress
from domains.models import Domain
from inbound.models import Scope
from inbound.tests.support.factories import SECRET, DomainFactory, EmailAddressFactory, EndpointFactory, UserFactory

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("ses")]


def test_the_answer_has_every_field_of_the_contract(api, user):
    endpoint = EndpointFactory.create(owner=user, description="All mail")
    answer = api.get(f"/api/v2/endpoints/{endpoint.pk}")
    assert answer.status_code == 200
    body = answer.json()
    assert body == {
        "id": endpoint.pk,
        "name": "Main",
        "type": "webhook",
        "webhookFormat": "inbound",
        "config": {"url": "https://hooks.example.org/mail", "timeout": 30, "secret": SECRET},
        "signingSecret": SECRET,
        "previousSecretValidUntil": None,
        "isActive": True,
        "inactiveReason": None,
        "description": "All mail",
        "userId": str(user.pk),
        "createdAt": body["createdAt"],
        "updatedAt": body["updatedAt"],
        "groupEmails": None,
        "deliveryStats": {"total": 0, "successful": 0, "failed": 0, "lastDelivery": None},
        "recentDeliveries": [],
        "associatedEmails": [],
        "catchAllDomains": [],
    }


def test_addresses_and_domains_routed_to_the_endpoint_are_listed_in_order(api, user):
    endpoint = EndpointFactory.create(owner=user)
    domain = DomainFactory.create(owner=user, name="b.example.com")
    first = EmailAddressFactory.create(domain=domain, endpoint=endpoint)
    second = EmailAddressFactory.create(domain=domain, endpoint=endpoint, is_active=False)
    EmailAddressFactory.create(domain=domain)
    EmailAddress.objects.filter(pk=first.pk).update(created_at=timezone.now() + timedelta(hours=1))
    catch_all = {"is_catch_all_enabled": True, "catch_all_endpoint": endpoint, "owner": user}
    z = DomainFactory.create(name="z.example.com", **catch_all)
    a = DomainFactory.create(name="a.example.com", **catch_all)

    body = api.get(f"/api/v2/endpoints/{endpoint.pk}").json()
    assert [(row["id"], row["address"], row["isActive"]) for row in body["associatedEmails"]] == [
        (second.pk, second.address, False),
        (first.pk, first.address, True),
    ]
    assert all(row["createdAt"].endswith("Z") for row in body["associatedEmails"])
    assert body["catchAllDomains"] == [
        {"id": a.pk, "domain": "a.example.com", "status": "verified"},
        {"id": z.pk, "domain": "z.example.com", "status": "verified"},
    ]


def test_domains_that_are_being_deleted_are_not_shown(api, user):
    endpoint = EndpointFactory.create(owner=user)
    domain = DomainFactory.create(owner=user, is_catch_all_enabled=True, catch_all_endpoint=endpoint)
    EmailAddressFactory.create(domain=domain, endpoint=endpoint)
    Domain.objects.update(deleting_since=timezone.now())
    body = api.get(f"/api/v2/endpoints/{endpoint.pk}").json()
    assert (body["associatedEmails"], body["catchAllDomains"]) == ([], [])


def test_statements_do_not_grow_with_the_routed_addresses(api, user, django_assert_num_queries):
    endpoint = EndpointFactory.create(owner=user)
    EmailAddressFactory.create_batch(12, domain=DomainFactory.create(owner=user), endpoint=endpoint)
    # key with its owner, last use, endpoint, numbers of deliveries, deliveries, addresses, domains
    with django_assert_num_queries(7):
        assert len(api.get(f"/api/v2/endpoints/{endpoint.pk}").json()["associatedEmails"]) == 12


@pytest.mark.parametrize("method", ["get", "put", "delete"])
@pytest.mark.parametrize("pk", ["nothing", "a" * 255, "a" * 5000, "%00", "%F0%9F%93%A7", "a%0Ab", "%ED%A0%80"])
def test_an_unknown_id_is_not_found(api, method, pk):
    answer = getattr(api, method)(f"/api/v2/endpoints/{pk}")
    assert (answer.status_code, answer.json()) == (404, {"error": "Endpoint not found"})


@pytest.mark.parametrize(("method", "body"), [("get", None), ("put", {"name": "Stolen"}), ("delete", None)])
def test_another_users_endpoint_is_neither_found_nor_changed(client_for, user, method, body, ses):
    endpoint = EndpointFactory.create(owner=user)
    answer = getattr(client_for(UserFactory.create()), method)(f"/api/v2/endpoints/{endpoint.pk}", body)
    assert (answer.status_code, answer.json()) == (404, {"error": "Endpoint not found"})
    endpoint.refresh_from_db()
    assert endpoint.name == "Main"
    assert ses.journal() == []


@pytest.mark.parametrize("method", ["post", "patch"])
def test_other_methods_are_not_allowed(api, user, method):
    endpoint = EndpointFactory.create(owner=user)
    answer = getattr(api, method)(f"/api/v2/endpoints/{endpoint.pk}")
    assert (answer.status_code, answer.content) == (405, b"")
    assert answer["Allow"] == "GET, PUT, DELETE, HEAD, OPTIONS"


def test_reading_needs_the_read_scope(client_for, user):
    answer = client_for(user, Scope.WRITE).get(f"/api/v2/endpoints/{EndpointFactory.create(owner=user).pk}")
    assert (answer.status_code, answer.json()) == (403, {"error": "This API key lacks the 'read' scope."})
