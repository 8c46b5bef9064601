"""POST /deleted-addresses/{id}/restore, and the service behind it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from addresses.deletion import delete_addresses
from addresses.models import DeletedAddress, EmailAddress
from addresses.tombstones.restore import (
    ADDED_AGAIN,
    DOMAIN_GONE,
    ENDED,
    RESTORED_ALREADY,
    WITHOUT_ENDPOINT,
    CannotRestore,
    restore_address,
)
from audit.models import Change
from domains.models import Domain
from endpoints.services import delete_endpoint
from inbound.models import Scope
from inbound.tests.support.aws import calls, fail_calls, recover_and_run_worker, rules
from inbound.tests.support.factories import DeletedAddressFactory, EmailAddressFactory, EndpointFactory
from ses_integration.conf import ses_config
from ses_integration.coordination import quotas

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("alive")]

A, B = "a@example.com", "b@example.com"
RULE = "inbound-example.com-rule"


@pytest.fixture
def grace(settings) -> None:
    settings.ADDRESS_DELETE_GRACE_DAYS = 30


@pytest.fixture
def deleted(domain, user, ses, grace) -> DeletedAddress:
    """The tombstone of an address whose slot another address has by now."""
    address = EmailAddressFactory(domain=domain, address=A, endpoint=EndpointFactory(owner=user))
    EmailAddress.objects.update(created_at=timezone.now() - timedelta(days=99))
    delete_addresses([address])
    EmailAddressFactory(domain=domain, address=B)
    ses.clear_journal()
    return DeletedAddress.objects.get()


def restore(api, tombstone):
    return api.post(f"/api/v2/deleted-addresses/{tombstone.pk}/restore")


def test_the_address_is_back_as_it_was_and_ses_receives_for_it(api, deleted, ses):
    answer = restore(api, deleted)
    row = EmailAddress.objects.get(address=A)
    assert answer.status_code == 200
    assert answer.json() == api.get(f"/api/v2/email-addresses/{deleted.pk}").json()
    assert (row.pk, row.endpoint_id, row.is_active, row.created_at) == (
        deleted.pk,
        deleted.endpoint_id,
        True,
        deleted.created_at,
    )
    assert row.slot == 1
    assert (calls(ses), rules(ses)) == (["UpdateReceiptRule"], {RULE: {A, B}})
    assert not DeletedAddress.objects.exists()
    row.domain.refresh_from_db()
    assert (row.domain.address_count, row.domain.active_address_count) == (2, 2)


def test_an_inactive_address_stays_inactive(api, deleted, ses):
    DeletedAddress.objects.update(is_active=False)
    assert restore(api, deleted).json()["isActive"] is False
    assert (calls(ses), rules(ses)) == ([], {RULE: {B}})


def test_without_its_endpoint_it_comes_back_without_one_and_the_answer_says_so(api, deleted, ses):
    delete_endpoint(endpoint=deleted.endpoint)
    answer = restore(api, deleted).json()
    assert (answer["endpointId"], answer["warning"]) == (None, WITHOUT_ENDPOINT)
    assert rules(ses) == {RULE: {A, B}}


def test_an_address_without_endpoint_comes_back_without_a_warning(api, deleted):
    DeletedAddress.objects.update(endpoint=None)
    answer = restore(api, deleted).json()
    assert answer["endpointId"] is None
    assert "warning" not in answer


def test_an_endpoint_of_somebody_else_is_not_used(api, deleted):
    DeletedAddress.objects.update(endpoint=EndpointFactory())
    assert restore(api, deleted).json()["endpointId"] is None


def test_with_ses_down_it_is_back_and_the_worker_does_the_rest(api, deleted, ses, settings):
    settings.SES_REQUEST_BUDGET = 0.4
    fail_calls(ses, "UpdateReceiptRule")
    answer = restore(api, deleted).json()
    assert answer["warning"].startswith("SES configuration failed: ")
    assert answer["isReceiptRuleConfigured"] is False
    recover_and_run_worker(ses)
    assert rules(ses) == {RULE: {A, B}}


@pytest.mark.parametrize(("left", "status"), [(timedelta(hours=1), 200), (timedelta(seconds=-1), 409)])
def test_the_period_ends_to_the_second(api, deleted, left, status):
    DeletedAddress.objects.update(restorable_until=timezone.now() + left)
    answer = restore(api, deleted)
    assert answer.status_code == status
    if status == 409:
        assert answer.json() == {"error": ENDED}
        assert (DeletedAddress.objects.count(), EmailAddress.objects.count()) == (1, 1)


def test_a_second_time_it_is_an_address_already(api, deleted):
    assert restore(api, deleted).status_code == 200
    answer = restore(api, deleted)
    assert (answer.status_code, answer.json()) == (409, {"error": RESTORED_ALREADY})
    assert EmailAddress.objects.filter(address=A).count() == 1


def test_after_it_was_added_again_there_is_nothing_to_restore(api, deleted, domain):
    EmailAddressFactory(domain=domain, address=A)
    assert restore(api, deleted).status_code == 404
    with pytest.raises(CannotRestore, match=ADDED_AGAIN):
        restore_address(deleted)


def test_an_address_that_was_added_past_the_service_stands_in_the_way(deleted, domain):
    """Such as by a restored backup: its tombstone has stayed."""
    EmailAddress.objects.bulk_create([EmailAddress(domain=domain, address="c@example.com", slot=7)])
    tombstone = DeletedAddressFactory(domain=domain, address="c@example.com")
    with pytest.raises(CannotRestore, match=ADDED_AGAIN):
        restore_address(tombstone)
    assert DeletedAddress.objects.filter(pk=tombstone.pk).exists()


def test_of_a_domain_that_is_being_deleted_none_is_restored(api, deleted):
    Domain.objects.update(deleting_since=timezone.now())
    assert restore(api, deleted).status_code == 404
    with pytest.raises(CannotRestore, match=DOMAIN_GONE):
        restore_address(deleted)
    assert EmailAddress.objects.filter(address=A).count() == 0


def test_without_room_in_ses_nothing_changes(api, domain, ses):
    tombstone = DeletedAddressFactory(domain=domain)
    quotas.record_foreign(ses_config(), rules=200, identities=0)
    answer = restore(api, tombstone)
    assert (answer.status_code, answer.json()["code"]) == (409, "SES_QUOTA_REACHED")
    assert (DeletedAddress.objects.count(), EmailAddress.objects.count()) == (1, 0)


def test_the_setting_may_be_off_by_then(api, deleted, settings):
    settings.ADDRESS_DELETE_GRACE_DAYS = 0
    assert restore(api, deleted).status_code == 200


def test_restoring_needs_the_scope_to_write(client_for, user, deleted):
    assert restore(client_for(user, Scope.READ, Scope.DELETE), deleted).status_code == 403
    assert restore(client_for(user, Scope.WRITE), deleted).status_code == 200


def test_the_log_has_what_is_back(api, deleted):
    restore(api, deleted)
    change = Change.objects.latest("pk")
    assert (change.action, change.object_type, change.object_id, change.object_name) == (
        "restored",
        "addresses.emailaddress",
        deleted.pk,
        A,
    )
    assert (change.before, change.after) == (None, {"endpointId": deleted.endpoint_id, "isActive": True})
