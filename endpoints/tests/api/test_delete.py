from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from addresses.models import EmailAddress
from domains.models import Domain
from endpoints import services
from endpoints.models import Endpoint
from inbound.models import Scope
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory, EndpointFactory
from ses_integration.status import wording
from ses_integration.status.sync_state import pending_domains

NOTHING = {
    "emailAddressesUpdated": 0,
    "emailAddresses": [],
    "domainsUpdated": 0,
    "domains": [],
    "groupEmailsDeleted": 0,
    "deliveriesDeleted": 0,
}


@pytest.fixture
def endpoint(user):
    return EndpointFactory.create(owner=user)


@pytest.fixture
def delete(api, endpoint):
    return lambda: api.delete(f"/api/v2/endpoints/{endpoint.pk}")


def catch_all(endpoint: Endpoint, name: str):
    return DomainFactory.create(owner=endpoint.owner, name=name, is_catch_all_enabled=True, catch_all_endpoint=endpoint)


def calls(emulator) -> list[tuple[str, str]]:
    """Action and rule name of every call, in order."""
    found = []
    for call in emulator.journal():
        parameters = call["parameters"]
        rule = parameters.get("Rule") or {}
        found.append((call["action"], rule.get("Name") or parameters.get("RuleName") or ""))
    return found


def test_deleting_an_unused_endpoint_changes_nothing_else(delete, ses):
    answer = delete()
    assert (answer.status_code, answer.json()) == (
        200,
        {"message": "Endpoint deleted successfully", "cleanup": NOTHING},
    )
    assert not Endpoint.objects.exists()
    assert ses.journal() == []
    assert (delete().status_code, delete().json()) == (404, {"error": "Endpoint not found"})


def test_addresses_lose_their_route_and_still_receive(delete, endpoint, ses):
    domain = DomainFactory.create(owner=endpoint.owner, name="example.com")
    for local in ("b", "a", "c"):
        EmailAddressFactory.create(domain=domain, endpoint=endpoint, address=f"{local}@example.com")
    EmailAddressFactory.create(domain=domain, address="other@example.com")
    long_ago = timezone.now() - timedelta(days=1)
    EmailAddress.objects.update(updated_at=long_ago)
    ses.clear_journal()

    addresses = ["a@example.com", "b@example.com", "c@example.com"]
    assert delete().json()["cleanup"] == {**NOTHING, "emailAddressesUpdated": 3, "emailAddresses": addresses}
    detached = EmailAddress.objects.filter(endpoint=None, updated_at__gt=long_ago, is_active=True)
    assert sorted(detached.values_list("address", flat=True)) == addresses
    assert EmailAddress.objects.get(address="other@example.com").updated_at == long_ago
    assert ses.journal() == []


def test_a_groups_addresses_are_counted(api, user):
    config = {"emails": ["jo@example.org", "mo@example.org"]}
    group = EndpointFactory.create(owner=user, type="email_group", config=config)
    answer = api.delete(f"/api/v2/endpoints/{group.pk}")
    assert answer.json()["cleanup"] == {**NOTHING, "groupEmailsDeleted": 2}


def test_catch_alls_of_the_endpoint_are_disabled_in_ses_too(delete, endpoint, ses):
    catch_all(endpoint, "b.example.com")
    catch_all(endpoint, "a.example.com")
    other = catch_all(EndpointFactory.create(owner=endpoint.owner), "c.example.com")
    long_ago = timezone.now() - timedelta(days=1)
    Domain.objects.update(updated_at=long_ago)
    ses.clear_journal()

    answer = delete()
    assert answer.json() == {
        "message": "Endpoint deleted successfully",
        "cleanup": {**NOTHING, "domainsUpdated": 2, "domains": ["a.example.com", "b.example.com"]},
    }
    off = Domain.objects.filter(is_catch_all_enabled=False, catch_all_endpoint=None, updated_at__gt=long_ago)
    assert sorted(off.values_list("name", flat=True)) == ["a.example.com", "b.example.com"]
    other.refresh_from_db()
    assert other.receives_everything
    assert sorted(calls(ses)) == [
        ("DeleteReceiptRule", "inbound-a.example.com-catchall-rule"),
        ("DeleteReceiptRule", "inbound-b.example.com-catchall-rule"),
    ]


def test_address_rules_are_created_before_catch_all_rules_are_deleted(delete, endpoint, ses):
    domain = catch_all(endpoint, "example.com")
    EmailAddressFactory.create(domain=domain, endpoint=endpoint, address="hello@example.com")
    ses.clear_journal()

    assert delete().json()["cleanup"] == {
        **NOTHING,
        "emailAddressesUpdated": 1,
        "emailAddresses": ["hello@example.com"],
        "domainsUpdated": 1,
        "domains": ["example.com"],
    }
    assert calls(ses) == [
        ("CreateReceiptRule", "inbound-example.com-rule"),
        ("DeleteReceiptRule", "inbound-example.com-catchall-rule"),
    ]
    created = ses.journal()[0]["parameters"]["Rule"]
    assert created["Recipients"] == ["hello@example.com"]


def test_domains_that_are_being_deleted_are_not_reported(delete, endpoint, ses):
    domain = catch_all(endpoint, "example.com")
    EmailAddressFactory.create(domain=domain, endpoint=endpoint)
    Domain.objects.update(deleting_since=timezone.now())
    assert delete().json()["cleanup"] == NOTHING
    assert EmailAddress.objects.get().endpoint_id is None
    assert Domain.objects.get().catch_all_endpoint_id is None


def test_the_endpoint_is_deleted_with_a_warning_if_ses_refuses(alive, delete, endpoint, ses):
    catch_all(endpoint, "example.com")
    ses.add_faults({"action": "DeleteReceiptRule", "fault": "access_denied"})
    answer = delete()
    assert answer.status_code == 200
    assert answer.json()["cleanup"]["domains"] == ["example.com"]
    warning = answer.json()["warning"]
    assert warning.startswith("SES catch-all configuration failed: ")
    assert warning.endswith(wording.CHANGE_PENDING)
    assert not Endpoint.objects.exists()
    assert pending_domains().get().domain == "example.com"


def test_one_request_budget_is_shared_by_all_domains(alive, delete, endpoint, ses, settings):
    for name in ("a.example.com", "b.example.com", "c.example.com"):
        catch_all(endpoint, name)
    settings.SES_REQUEST_BUDGET = 0.0
    ses.clear_journal()
    answer = delete()
    assert answer.json()["warning"] == f"SES catch-all configuration failed: {wording.CHANGE_PENDING}"
    assert ses.journal() == []
    assert pending_domains().count() == 3


@pytest.mark.parametrize("way", ["instance", "queryset", "owner"])
def test_deleting_the_row_elsewhere_disables_the_catch_all_too(endpoint, ses, way):
    domain = catch_all(EndpointFactory.create(), "example.com")
    target = domain.catch_all_endpoint
    assert target is not None
    if way == "owner":
        # Deleting a user who has domains is refused. This domain belongs to another user.
        Domain.objects.update(owner=endpoint.owner)
        target.owner.delete()
    elif way == "queryset":
        Endpoint.objects.filter(pk=target.pk).delete()
    else:
        target.delete()
    domain.refresh_from_db()
    assert (domain.is_catch_all_enabled, domain.catch_all_endpoint_id) == (False, None)
    assert calls(ses)[-1] == ("DeleteReceiptRule", "inbound-example.com-catchall-rule")


def test_a_rolled_back_deletion_changes_nothing(endpoint, ses):
    domain = catch_all(endpoint, "example.com")
    ses.clear_journal()
    with transaction.atomic():
        endpoint.delete()
        transaction.set_rollback(True)
    domain.refresh_from_db()
    assert domain.receives_everything
    assert ses.journal() == []


def test_a_second_delete_is_not_found(delete, monkeypatch):
    deletion = services.delete_endpoint

    def deleted_first(**values):
        Endpoint.objects.all().delete()
        return deletion(**values)

    monkeypatch.setattr(services, "delete_endpoint", deleted_first)
    assert (delete().status_code, delete().json()) == (404, {"error": "Endpoint not found"})


@pytest.mark.parametrize("size", [1, 25])
def test_statements_do_not_grow_with_the_addresses(endpoint, ses, django_assert_max_num_queries, size):
    EmailAddressFactory.create_batch(size, domain=DomainFactory.create(owner=endpoint.owner), endpoint=endpoint)
    with django_assert_max_num_queries(20) as counted:
        services.delete_endpoint(endpoint=endpoint)
    assert connection.in_atomic_block is False
    assert len(counted) > 5


def test_deleting_needs_the_delete_scope(client_for, user, endpoint):
    answer = client_for(user, Scope.READ, Scope.WRITE).delete(f"/api/v2/endpoints/{endpoint.pk}")
    assert (answer.status_code, answer.json()) == (403, {"error": "This API key lacks the 'delete' scope."})
    assert Endpoint.objects.exists()
