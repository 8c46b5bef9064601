"""What the plan says about a grace period."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.core.management import CommandError
from django.utils import timezone

from addresses.deletion_plan import CATCH_ALL, STORED, TOMBSTONE, plan_of, summary
from addresses.models import DeletedAddress, EmailAddress
from domains.models import Domain
from domains.tests.plan_requests import ADDRESSES, assert_refused, delete
from inbound.tests.support.factories import EmailAddressFactory, EndpointFactory
from rest.deletion.confirmation import OTHER_SORT
from ses_integration.tests.commands.run import run

pytestmark = pytest.mark.sqlite


@pytest.fixture
def address(domain, user, ses) -> EmailAddress:
    """Of a domain with a catch-all."""
    Domain.objects.update(is_catch_all_enabled=True, catch_all_endpoint=EndpointFactory(owner=user))
    domain.refresh_from_db()
    row: EmailAddress = EmailAddressFactory(domain=domain, address="a@example.com")
    return row


def lines(address: EmailAddress, *, permanent: bool = False) -> list[str]:
    return [line for part in plan_of(address, permanent=permanent).parts() for line in part.lines]


def shown(api, address: EmailAddress, query: str = "") -> dict:
    plan: dict = api.get(f"{ADDRESSES}/{address.pk}/deletion-plan{query}").json()
    return plan


def test_without_one_the_plan_is_silent(api, address):
    assert CATCH_ALL in lines(address)
    assert TOMBSTONE not in lines(address)
    assert "restorableUntil" not in shown(api, address)


def test_it_says_until_when_and_what_the_catch_all_no_longer_gets(api, address, settings):
    settings.ADDRESS_DELETE_GRACE_DAYS = 30
    said = lines(address)
    assert {STORED, TOMBSTONE} <= set(said)
    assert CATCH_ALL not in said
    assert STORED in summary(address)
    until = datetime.fromisoformat(shown(api, address)["restorableUntil"])
    assert timedelta(days=29, hours=23) < until - timezone.now() <= timedelta(days=30)
    assert "it can be restored as it is." in run("plan_delete", address.address)[1]


def test_a_permanent_deletion_has_none(api, address, settings):
    settings.ADDRESS_DELETE_GRACE_DAYS = 30
    assert TOMBSTONE not in lines(address, permanent=True)
    assert "restorableUntil" not in shown(api, address, "?permanent=true")
    assert "restored" not in run("plan_delete", address.address, "--permanent")[1]


def test_a_token_is_good_for_the_sort_of_deletion_that_it_was_made_for(api, address, settings):
    settings.ADDRESS_DELETE_GRACE_DAYS = 30
    token, permanent = shown(api, address)["token"], shown(api, address, "?permanent=true")["token"]
    assert_refused(delete(api, address, plan=token, permanent="true"), OTHER_SORT[True])
    assert_refused(delete(api, address, plan=permanent), OTHER_SORT[False])
    with pytest.raises(
        CommandError, match=r"plan_delete --permanent\), look at it, and use its token\. Nothing was deleted"
    ):
        run("delete_address", address.address, "--plan", token, "--permanent")
    assert delete(api, address, plan=permanent, permanent="true").status_code == 200
    assert not DeletedAddress.objects.exists()


def test_time_passing_does_not_change_the_token_and_another_period_does(api, address, settings):
    settings.ADDRESS_DELETE_GRACE_DAYS = 30
    token = shown(api, address)["token"]
    assert token == shown(api, address)["token"]
    settings.ADDRESS_DELETE_GRACE_DAYS = 31
    assert_refused(delete(api, address, plan=token))
    settings.ADDRESS_DELETE_GRACE_DAYS = 30
    assert delete(api, address, plan=token).status_code == 200
    assert DeletedAddress.objects.get().pk == address.pk
