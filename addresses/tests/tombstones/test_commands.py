"""The commands list_deleted_addresses, restore_address, address_grace_period and lift_address."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError
from django.utils import timezone

from addresses.models import DeletedAddress, EmailAddress
from audit.models import Change
from backoffice.text import moment
from inbound.tests.support.aws import fail_calls, rules
from inbound.tests.support.factories import DeletedAddressFactory, EmailAddressFactory
from rest.fields import timestamp
from ses_integration.tests.commands.run import run

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("alive")]

A = "a@example.com"


@pytest.fixture
def tombstone(domain, ses) -> DeletedAddress:
    row: DeletedAddress = DeletedAddressFactory(domain=domain, address=A)
    return row


def test_the_list_has_the_newest_first(tombstone):
    earlier = timezone.now() - timedelta(days=9)
    DeletedAddressFactory(address="b@d.example.com", deleted_at=earlier, restorable_until=earlier)
    code, shown = run("list_deleted_addresses")
    first, second = shown.splitlines()[-2:]
    assert (code, first.split()[0], second.split()[0]) == (0, A, "b@d.example.com")
    assert tombstone.pk in first
    assert "b@d" not in run("list_deleted_addresses", "--restorable")[1]
    assert "b@d" not in run("list_deleted_addresses", "--domain", "example.com")[1]
    assert "1 older address not shown: give --limit." in run("list_deleted_addresses", "--limit", "1")[1]


def test_the_list_as_json_has_what_the_api_has(tombstone, api):
    answer = json.loads(run("list_deleted_addresses", "--json")[1])
    assert answer == {"deletedAddresses": [api.get(f"/api/v2/deleted-addresses/{tombstone.pk}").json()], "total": 1}


def test_an_empty_list_says_so(ses, transactional_db):
    assert run("list_deleted_addresses") == (0, "There is no such address.\n")


def test_restoring_waits_for_ses(tombstone, ses):
    assert run("restore_address", "A@Example.com") == (0, f"{A} is restored. SES has confirmed it.\n")
    assert rules(ses) == {"inbound-example.com-rule": {A}}


def test_what_ses_has_not_confirmed_is_exit_code_2(tombstone, ses):
    fail_calls(ses, "CreateReceiptRule", "access_denied")
    code, text = run("restore_address", A, "--json")
    assert (code, json.loads(text)["id"]) == (2, tombstone.pk)
    assert EmailAddress.objects.exists()


def test_what_cannot_be_restored_is_an_error(tombstone):
    DeletedAddress.objects.update(restorable_until=timezone.now() - timedelta(seconds=1))
    with pytest.raises(CommandError, match=f"{A} was not restored. The time in which it could be restored has ended"):
        run("restore_address", A)


@pytest.mark.parametrize(
    "arguments", [("restore_address",), ("lift_address",), ("address_grace_period", "--extend", "1")], ids=str
)
def test_an_unknown_address_is_an_error(tombstone, arguments):
    with pytest.raises(CommandError, match="There is no deleted address"):
        run(*arguments, "b@example.com")


def test_a_grace_period_is_extended(tombstone):
    later = tombstone.restorable_until + timedelta(days=3)
    code, text = run("address_grace_period", A, "--extend", "3")
    assert (code, text) == (0, f"{A} can be restored until {moment(later)}.\n")
    assert DeletedAddress.objects.get().restorable_until == later
    assert [(entry.action, entry.after) for entry in Change.objects.filter(action="extended")] == [
        ("extended", {"restorableUntil": timestamp(later)})
    ]


def test_a_grace_period_is_extended_to_a_year_at_most(tombstone):
    with pytest.raises(
        CommandError, match=f"{A}: A grace period can be extended by at least a day, and to at most 365"
    ):
        run("address_grace_period", A, "--extend", "400")
    assert DeletedAddress.objects.get().restorable_until == tombstone.restorable_until


def test_a_grace_period_is_ended_and_its_tombstone_stays(tombstone):
    assert run("address_grace_period", A, "--end") == (0, f"{A} cannot be restored any more.\n")
    assert not DeletedAddress.objects.get().restorable_until > timezone.now()
    for what in (("--end",), ("--extend", "3")):
        with pytest.raises(CommandError, match=f"{A}: The time in which it could be restored has ended"):
            run("address_grace_period", A, *what)


@pytest.mark.parametrize("command", ["restore_address", "lift_address"])
def test_an_address_that_was_added_again_is_none(tombstone, domain, command):
    DeletedAddress.objects.all().delete()
    EmailAddressFactory(domain=domain, address=A)
    with pytest.raises(CommandError, match=f"{A} is an email address again"):
        run(command, A)


def test_lifting_asks_first(tombstone, answer):
    answer("n")
    code, text = run("lift_address", A)
    assert (code, text.endswith("Nothing was done.\n"), DeletedAddress.objects.count()) == (0, True, 1)
    answer("y")
    code, text = run("lift_address", A)
    assert (code, text.endswith(f"{A} is lifted: a catch-all receives its mail again.\n")) == (0, True)
    assert not DeletedAddress.objects.exists()
