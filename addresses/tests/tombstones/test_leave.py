"""What the deletion of an address leaves."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from addresses.deletion import delete_addresses
from addresses.models import DeletedAddress, EmailAddress
from addresses.services import create_address
from domains.deletion.service import delete_domain
from domains.models import Domain
from inbound.tests.support.aws import calls, rules
from inbound.tests.support.factories import DeletedAddressFactory, EmailAddressFactory, EndpointFactory
from ses_integration.api import database_now

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("alive")]

URL = "/api/v2/email-addresses"
A, B = "a@example.com", "b@example.com"
RULE = "inbound-example.com-rule"
CLEANUP = {"sesRuleUpdated": True, "emailAddress": A, "domain": "example.com"}


@pytest.fixture
def address(domain, user, ses) -> EmailAddress:
    row: EmailAddress = EmailAddressFactory(domain=domain, address=A, endpoint=EndpointFactory(owner=user))
    ses.clear_journal()
    return row


def test_without_the_setting_nothing_is_left(api, address):
    answer = api.delete(f"{URL}/{address.pk}")
    assert (answer.status_code, answer.json()["cleanup"]) == (200, CLEANUP)
    assert not DeletedAddress.objects.exists()


def test_with_it_ses_stops_receiving_and_a_tombstone_says_what_was_there(api, address, ses, settings):
    settings.ADDRESS_DELETE_GRACE_DAYS = 30
    before = timezone.now()
    answer = api.delete(f"{URL}/{address.pk}").json()
    [tombstone] = DeletedAddress.objects.all()
    assert answer["cleanup"] == CLEANUP | {"restorableUntil": api_time(tombstone.restorable_until)}
    assert (calls(ses), rules(ses)) == (["DeleteReceiptRule"], {})
    assert not EmailAddress.objects.exists()
    assert (tombstone.pk, tombstone.address, tombstone.domain_id) == (address.pk, A, address.domain_id)
    assert (tombstone.endpoint_id, tombstone.is_active, tombstone.created_at) == (
        address.endpoint_id,
        True,
        address.created_at,
    )
    assert before <= tombstone.deleted_at <= timezone.now()
    assert tombstone.restorable_until - tombstone.deleted_at == timedelta(days=30)


@pytest.mark.parametrize("days", [0, 30])
def test_a_permanent_deletion_leaves_nothing(api, address, settings, days):
    settings.ADDRESS_DELETE_GRACE_DAYS = days
    answer = api.delete(f"{URL}/{address.pk}?permanent=true")
    assert (answer.status_code, answer.json()["cleanup"]) == (200, CLEANUP)
    assert not DeletedAddress.objects.exists()


@pytest.mark.parametrize("value", ["1", "True", ""])
def test_a_slip_deletes_nothing(api, address, value):
    answer = api.delete(f"{URL}/{address.pk}?permanent={value}")
    assert answer.json() == {"error": "permanent must be true or false. Nothing was deleted."}
    assert (answer.status_code, EmailAddress.objects.count()) == (400, 1)


def test_a_bulk_deletion_leaves_one_for_each(api, address, domain, settings):
    settings.ADDRESS_DELETE_GRACE_DAYS = 1
    ids = [address.pk, EmailAddressFactory(domain=domain, address=B).pk]
    results = api.post(f"{URL}/bulk-delete", {"ids": [*ids, "unknown"]}).json()["results"]
    until = api_time(DeletedAddress.objects.all()[0].restorable_until)
    assert [row.get("cleanup", {}).get("restorableUntil") for row in results] == [until, until, None]
    assert set(DeletedAddress.objects.values_list("pk", flat=True)) == set(ids)


def test_a_permanent_bulk_deletion_leaves_none(api, address, settings):
    settings.ADDRESS_DELETE_GRACE_DAYS = 1
    [result] = api.post(f"{URL}/bulk-delete?permanent=true", {"ids": [address.pk]}).json()["results"]
    assert "restorableUntil" not in result["cleanup"]
    assert not DeletedAddress.objects.exists()


def test_a_grace_period_costs_two_statements_however_many_addresses_go(domain, ses, settings):
    used = {}
    for days in (0, 30):
        for number in (2, 20):
            settings.ADDRESS_DELETE_GRACE_DAYS = days
            rows = [EmailAddressFactory(domain=domain) for _ in range(number)]
            with CaptureQueriesContext(connection) as statements:
                delete_addresses(rows)
            used[days, number] = len(statements)
    assert used[30, 2] - used[0, 2] == used[30, 20] - used[0, 20] == 2


def test_deleting_an_address_of_a_domain_that_is_being_deleted_leaves_none(address, settings):
    """The domain's deletion may have looked for tombstones already."""
    settings.ADDRESS_DELETE_GRACE_DAYS = 1
    Domain.objects.update(deleting_since=timezone.now())
    delete_addresses([address])
    assert not DeletedAddress.objects.exists()


def test_deleting_again_begins_the_period_anew(address, domain, ses, settings):
    settings.ADDRESS_DELETE_GRACE_DAYS = 1
    delete_addresses([address])
    DeletedAddress.objects.update(restorable_until=timezone.now() - timedelta(days=9))
    again = create_address(domain=domain, address=A, endpoint_id=None).address
    delete_addresses([again])
    [tombstone] = DeletedAddress.objects.all()
    assert tombstone.pk == again.pk
    assert tombstone.restorable_until > timezone.now()


def test_an_address_that_was_added_past_the_service_can_be_deleted(domain, ses, settings):
    """Such as by a restored backup: its tombstone has stayed."""
    settings.ADDRESS_DELETE_GRACE_DAYS = 1
    DeletedAddressFactory(domain=domain, address=A)
    [row] = EmailAddress.objects.bulk_create([EmailAddress(domain=domain, address=A, slot=0)])
    delete_addresses([row])
    assert DeletedAddress.objects.get().pk == row.pk


@pytest.mark.parametrize("add", ["service", "shell"])
def test_adding_the_address_again_removes_its_tombstone_and_no_other(domain, ses, add):
    DeletedAddressFactory(domain=domain, address=A)
    other = DeletedAddressFactory(domain=domain, address=B)
    if add == "service":
        create_address(domain=domain, address=A, endpoint_id=None)
    else:
        EmailAddress.objects.create(domain=domain, address=A)
    assert list(DeletedAddress.objects.all()) == [other]


def test_deleting_the_domain_removes_them_uncounted(api, address, domain, settings):
    DeletedAddressFactory.create_batch(2, domain=domain)
    report = delete_domain(domain=domain, requested_by="jo")
    assert not Domain.objects.exists()
    assert not DeletedAddress.objects.exists()
    assert report.email_addresses == 1


def test_a_domain_that_is_deleted_by_hand_takes_them_along(domain):
    DeletedAddressFactory(domain=domain)
    domain.delete()
    assert not DeletedAddress.objects.exists()


def test_the_command_says_until_when(address, capsys, settings, answer):
    settings.ADDRESS_DELETE_GRACE_DAYS = 1
    answer(A)
    call_command("delete_address", A)
    until = f"{DeletedAddress.objects.get().restorable_until:%Y-%m-%d %H:%M:%S} UTC"
    assert (
        f"{A} is deleted. SES has confirmed it. Until {until}, restore_address restores it." in capsys.readouterr().out
    )


def test_the_command_can_delete_permanently(address, capsys, settings, answer):
    settings.ADDRESS_DELETE_GRACE_DAYS = 1
    answer(A)
    call_command("delete_address", A, "--permanent")
    assert "Grace period" not in capsys.readouterr().out
    assert not DeletedAddress.objects.exists()


def api_time(moment) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def test_the_time_is_that_of_the_database_which_decides_when_it_is_over(api, address, settings, monkeypatch):
    settings.ADDRESS_DELETE_GRACE_DAYS = 1
    # The clock of this host is an hour slow.
    host = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: host() - timedelta(hours=1))
    before = database_now()
    assert api.delete(f"{URL}/{address.pk}").status_code == 200
    assert DeletedAddress.objects.get().restorable_until >= before + timedelta(days=1)
    DeletedAddress.objects.update(restorable_until=before - timedelta(minutes=1))
    [shown] = api.get("/api/v2/deleted-addresses").json()["data"]
    assert shown["isRestorable"] is False
    assert api.post(f"/api/v2/deleted-addresses/{address.pk}/restore").status_code == 409
