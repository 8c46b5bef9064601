"""GET and DELETE /deleted-addresses"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from addresses.models import DeletedAddress, EmailAddress
from audit.models import Change
from domains.models import Domain
from inbound.models import Scope
from inbound.tests.support.factories import DeletedAddressFactory, DomainFactory, UserFactory

pytestmark = pytest.mark.sqlite

URL = "/api/v2/deleted-addresses"


@pytest.fixture
def tombstone(domain) -> DeletedAddress:
    row: DeletedAddress = DeletedAddressFactory(
        domain=domain,
        address="a@example.com",
        endpoint_id="dC7pQ2xVb9sKfJ0aLmN4e",
        created_at=datetime(2026, 1, 2, tzinfo=UTC),
        deleted_at=datetime(2026, 11, 26, 10, 30, tzinfo=UTC),
        restorable_until=datetime(2099, 12, 26, 10, 30, tzinfo=UTC),
    )
    return row


def listed(api, query: str = "") -> list[str]:
    answer = api.get(URL + query).json()
    assert answer["pagination"]["total"] == len(answer["data"])
    return [row["address"] for row in answer["data"]]


def test_one_is_shown_with_what_a_restore_brings_back(api, domain, tombstone):
    expected = {
        "id": tombstone.pk,
        "address": "a@example.com",
        "domain": "example.com",
        "domainId": domain.pk,
        "endpointId": "dC7pQ2xVb9sKfJ0aLmN4e",
        "isActive": True,
        "createdAt": "2026-01-02T00:00:00.000Z",
        "deletedAt": "2026-11-26T10:30:00.000Z",
        "restorableUntil": "2099-12-26T10:30:00.000Z",
        "isRestorable": True,
    }
    assert api.get(f"{URL}/{tombstone.pk}").json() == expected
    assert api.get(URL).json()["data"] == [expected]


def test_the_list_is_newest_first_and_can_be_filtered(api, user, domain, tombstone):
    other = DomainFactory(owner=user, name="example.org")
    late = timezone.now() + timedelta(days=5)
    DeletedAddressFactory(domain=other, address="b@example.org", deleted_at=late, restorable_until=timezone.now())
    assert listed(api) == ["b@example.org", "a@example.com"]
    assert listed(api, f"?domainId={domain.pk}") == listed(api, "?domain=Example.com") == ["a@example.com"]
    assert listed(api, "?isRestorable=true") == listed(api, "?address=A@example.com") == ["a@example.com"]
    assert listed(api, "?isRestorable=false") == listed(api, "?search=.org") == ["b@example.org"]


def test_what_is_of_others_or_of_a_domain_that_is_being_deleted_is_not_found(api, client_for, tombstone):
    stranger = client_for(UserFactory())
    assert (listed(stranger), stranger.get(f"{URL}/{tombstone.pk}").status_code) == ([], 404)
    Domain.objects.update(deleting_since=timezone.now())
    answer = api.get(f"{URL}/{tombstone.pk}")
    assert (listed(api), answer.status_code, answer.json()) == ([], 404, {"error": "Deleted address not found"})


def test_lifting_removes_it_and_nothing_else(api, domain, ses, tombstone):
    other = DeletedAddressFactory(domain=domain)
    answer = api.delete(f"{URL}/{tombstone.pk}")
    message = "A catch-all receives mail for a@example.com again"
    assert (answer.status_code, answer.json()) == (200, {"success": True, "message": message})
    assert list(DeletedAddress.objects.all()) == [other]
    assert not EmailAddress.objects.exists()
    assert ses.journal() == []
    change = Change.objects.latest("pk")
    assert (change.action, change.object_type, change.object_name) == (
        "lifted",
        "addresses.deletedaddress",
        "a@example.com",
    )
    assert api.delete(f"{URL}/{tombstone.pk}").status_code == 404


def test_lifting_needs_the_scope_to_delete(client_for, user, tombstone):
    path = f"{URL}/{tombstone.pk}"
    assert client_for(user, Scope.WRITE).delete(path).status_code == 403
    assert client_for(user, Scope.DELETE).delete(path).status_code == 200
