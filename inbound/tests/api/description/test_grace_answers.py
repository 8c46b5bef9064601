"""Answers about grace periods and tombstones are as the description says: refusals, reports and what follows, too."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from addresses.models import DeletedAddress
from addresses.services import create_address
from domains.lifecycle.register import add_domain
from domains.models import Domain, DomainDeletion
from inbound.tests.api.description.closed import closed
from inbound.tests.api.description.test_answers import errors, operation
from inbound.tests.api.routes import path_of
from inbound.tests.support.aws import fail_calls
from inbound.tests.support.factories import EndpointFactory, UserFactory
from ses_integration.api import database_now
from ses_integration.emulator.server import Emulator

pytestmark = pytest.mark.sqlite

DOMAIN, ADDRESS = "domains/<str:pk>", "email-addresses/<str:pk>"
DELETION, TOMBSTONE = "deletions/<str:pk>", "deleted-addresses/<str:pk>"


@pytest.fixture
def domain(user, ses, settings) -> Domain:
    """With an address that has an endpoint, and one without."""
    settings.DOMAIN_DELETE_GRACE_DAYS = settings.ADDRESS_DELETE_GRACE_DAYS = 30
    domain = add_domain(owner=user, name="example.com").domain
    create_address(domain=domain, address="a@example.com", endpoint_id=EndpointFactory(owner=user).pk)
    create_address(domain=domain, address="b@example.com", endpoint_id=None)
    return domain


@pytest.fixture
def check(api, domain):
    """Make a call that answers with this status, and hold the answer against the description."""

    def check(route: str, method: str, pk: str = "", body: Any = None, query: str = "", status: int = 200) -> Any:
        answer = getattr(api, method)(path_of(route, pk) + query, body, format="json")
        assert answer.status_code == status, answer.json()
        schema = closed()
        described = operation(schema, route, method)["responses"][str(status)]
        if "$ref" in described:
            described = schema["components"]["responses"][described["$ref"].rpartition("/")[2]]
        assert not errors(schema, described["content"]["application/json"]["schema"], answer.json()), answer.json()
        return answer.json()

    return check


@pytest.fixture
def deletion(check, domain) -> str:
    """The id of the deletion of `domain`, in its grace period."""
    return str(check(DOMAIN, "delete", domain.pk)["deletionId"])


def end_periods() -> None:
    until = database_now() - timedelta(seconds=1)
    for rows in (
        Domain.objects.filter(restorable_until__isnull=False),
        DomainDeletion.objects.in_grace(),
        DeletedAddress.objects.all(),
    ):
        rows.update(restorable_until=until)


def test_plans_of_domains(check, domain):
    assert check("domains/<str:pk>/deletion-plan", "get", domain.pk)["graceDays"] == 30
    assert "graceDays" not in check("domains/<str:pk>/deletion-plan", "get", domain.pk, query="?permanent=true")
    assert check(DOMAIN, "delete", domain.pk, query="?dry_run=true")["restorableUntil"]


def test_a_deletion_and_its_report(check, domain, deletion):
    assert check(DOMAIN, "delete", domain.pk)["report"]["restorableUntil"]
    assert check(DELETION, "get", deletion)["restorableUntil"]
    [listed] = check("deletions", "get", query="?finished=false")["data"]
    assert listed["restorableUntil"]
    check(DOMAIN, "get", domain.pk, status=404)
    check("domains/<str:pk>/deletion-plan", "get", domain.pk, status=404)


def test_a_deletion_while_ses_is_down(check, domain, ses: Emulator, settings):
    settings.SES_REQUEST_BUDGET = 0.4
    fail_calls(ses)
    deleted = check(DOMAIN, "delete", domain.pk)
    assert deleted["warning"]
    assert check(DELETION, "get", deleted["deletionId"])["steps"][0]["problem"]
    assert check(f"{DELETION}/restore", "post", deleted["deletionId"])["success"]


def test_a_restore_and_a_second_one(check, deletion):
    assert check(f"{DELETION}/restore", "post", deletion)["restoredAt"]
    assert check(DELETION, "get", deletion)["restoredBy"]
    assert check(f"{DELETION}/restore", "post", deletion, status=409)["code"] == "NOT_RESTORABLE"


def test_a_restore_after_an_endpoint_was_deleted(check, user, deletion):
    check("endpoints/<str:pk>", "delete", user.endpoints.get().pk)
    assert check(f"{DELETION}/restore", "post", deletion)["success"]


def test_a_name_that_can_be_restored(check, deletion):
    refused = check("domains", "post", body={"domain": "example.com"}, status=409)
    assert (refused["code"], refused["deletionId"]) == ("DOMAIN_RESTORABLE", deletion)
    check("domains", "post", body={"domain": "example.com", "startAfresh": True}, status=201)
    assert check(DELETION, "get", deletion)["gracePeriodEndedAt"]


@pytest.mark.parametrize("how", ["over", "permanent"])
def test_the_end_of_a_period(check, domain, deletion, how):
    if how == "over":
        end_periods()
        assert check(f"{DELETION}/restore", "post", deletion, status=409)["code"] == "NOT_RESTORABLE"
    ended = check(DOMAIN, "delete", domain.pk, query="?permanent=true" if how == "permanent" else "")
    assert ended["report"]["gracePeriodEndedAt"]
    assert check(DELETION, "get", deletion)["finishedAt"]


def test_those_who_had_access_read_the_report(check, domain, client_for):
    reader = UserFactory()
    domain.accesses.create(user=reader, role="viewer")
    Domain.objects.filter(pk=domain.pk).update(share_count=1)
    deletion = check(DOMAIN, "delete", domain.pk)["deletionId"]
    answer = client_for(reader).get(path_of(DELETION, deletion))
    schema = closed()
    content = operation(schema, DELETION, "get")["responses"]["200"]["content"]["application/json"]
    assert not errors(schema, content["schema"], answer.json()), answer.json()
    assert answer.json()["restorableUntil"]


def test_deleted_addresses(check, domain):
    with_endpoint, without = domain.email_addresses.order_by("address")
    assert check("email-addresses/<str:pk>/deletion-plan", "get", with_endpoint.pk)["restorableUntil"]
    assert check(ADDRESS, "delete", with_endpoint.pk)["cleanup"]["restorableUntil"]
    bulk = check("email-addresses/bulk-delete", "post", body={"ids": [without.pk, "unknown"]})
    assert bulk["results"][0]["cleanup"]["restorableUntil"]
    assert len(check("deleted-addresses", "get", query="?isRestorable=true")["data"]) == 2
    assert check(TOMBSTONE, "get", without.pk)["endpointId"] is None
    domain.owner.endpoints.get().delete()
    assert check(f"{TOMBSTONE}/restore", "post", with_endpoint.pk)["warning"]
    check(f"{TOMBSTONE}/restore", "post", with_endpoint.pk, status=409)
    end_periods()
    check(f"{TOMBSTONE}/restore", "post", without.pk, status=409)
    assert check(TOMBSTONE, "get", without.pk)["isRestorable"] is False
    check(TOMBSTONE, "delete", without.pk)
    check(TOMBSTONE, "get", without.pk, status=404)
