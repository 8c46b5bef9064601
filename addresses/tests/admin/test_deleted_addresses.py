"""Deleted addresses in the admin."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from addresses.models import DeletedAddress, EmailAddress
from backoffice.text import moment
from inbound.tests.support.admin_site import post, staff, text, url
from inbound.tests.support.aws import rules
from inbound.tests.support.factories import DeletedAddressFactory, EmailAddressFactory

LIST = url("addresses.deletedaddress", "changelist")


@pytest.fixture
def tombstone(domain, ses) -> DeletedAddress:
    row: DeletedAddress = DeletedAddressFactory(domain=domain, address="a@example.com")
    return row


def act(client: Client, action: str, *rows: DeletedAddress, **more: str) -> list[tuple[str, str]]:
    return post(client, LIST, action=action, _selected_action=[row.pk for row in rows], index="0", **more)[1]


def test_the_list_says_until_when_each_can_be_restored(admin_client: Client, tombstone):
    DeletedAddressFactory(address="late@d.example.com", restorable_until=timezone.now() - timedelta(days=1))
    assert "a@example.com" in text(admin_client.get(f"{LIST}?restorable=yes"))
    assert "late@" not in text(admin_client.get(f"{LIST}?restorable=yes"))
    assert "late@" in text(admin_client.get(f"{LIST}?restorable=no"))
    assert admin_client.get(url("addresses.deletedaddress", "change", tombstone.pk)).status_code == 200


def test_selected_ones_are_restored_and_the_others_say_why_not(admin_client: Client, ses, tombstone):
    late = DeletedAddressFactory(domain=tombstone.domain, restorable_until=timezone.now() - timedelta(days=1))
    messages = act(admin_client, "restore", tombstone, late)
    assert ("success", "Restored: a@example.com.") in messages
    assert [level for level, sentence in messages if sentence.startswith(f"Not restored: {late}. The time")] == [
        "warning"
    ]
    assert rules(ses) == {"inbound-example.com-rule": {"a@example.com"}}
    assert list(DeletedAddress.objects.all()) == [late]


def test_grace_periods_of_selected_ones_are_extended_and_ended(admin_client: Client, tombstone):
    later = tombstone.restorable_until + timedelta(days=30)
    messages = act(admin_client, "extend", tombstone)
    assert messages == [("success", f"Extended: a@example.com until {moment(later)}.")]
    assert DeletedAddress.objects.get().restorable_until == later
    (_, sentence) = act(admin_client, "end_period", tombstone)[0]
    assert sentence.startswith("Ended: a@example.com")
    for action in ("restore", "extend", "end_period"):
        (_, sentence) = act(admin_client, action, tombstone)[0]
        assert "The time in which it could be restored has ended." in sentence


def test_lifting_asks_first(admin_client: Client, tombstone):
    page = admin_client.post(LIST, {"action": "delete_selected", "_selected_action": tombstone.pk, "index": "0"})
    assert "This cannot be undone. A catch-all may receive its mail again." in text(page)
    assert DeletedAddress.objects.exists()
    act(admin_client, "delete_selected", tombstone, post="yes")
    assert not DeletedAddress.objects.exists()
    assert not EmailAddress.objects.exists()


def test_who_may_not_add_addresses_cannot_restore(client: Client, tombstone):
    staff(client, "addresses.view_deletedaddress")
    assert 'value="restore"' not in text(client.get(LIST))
    act(client, "restore", tombstone)
    assert not EmailAddress.objects.exists()


def test_the_page_that_deletes_an_address_says_how_long_it_can_be_undone(admin_client: Client, domain, ses, settings):
    settings.ADDRESS_DELETE_GRACE_DAYS = 30
    address = EmailAddressFactory(domain=domain, address="b@example.com")
    page = text(admin_client.get(url("addresses.emailaddress", "delete", address.pk)))
    assert "This can be undone for 30 days." in page
    assert "it can be restored as it is." in page
