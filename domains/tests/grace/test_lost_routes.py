"""What a restore says of endpoints that were deleted meanwhile."""

from __future__ import annotations

import pytest

from addresses.models import EmailAddress
from domains.grace.period import lost_routes
from domains.models import Domain, DomainDeletion
from domains.tests.grace.conftest import URL
from inbound.tests.support.admin_site import url
from inbound.tests.support.aws import fail_calls
from inbound.tests.support.factories import EmailAddressFactory, EndpointFactory
from ses_integration.tests.commands.run import run

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("alive")]

ONE = "The endpoint of 1 email address is gone. Mail for it goes to no endpoint until you choose one."
CATCH_ALL = "The endpoint of the catch-all is gone, so the catch-all is off."


@pytest.fixture
def routed(full, user) -> Domain:
    """The catch-all and `a` have endpoints of their own, and an address has none."""
    EmailAddressFactory(domain=full, address="c@example.com")
    Domain.objects.update(is_catch_all_enabled=True, catch_all_endpoint=EndpointFactory(owner=user, name="all"))
    full.refresh_from_db()
    domain: Domain = full
    return domain


@pytest.fixture
def restore_without(api, routed, user):
    """Delete the domain and these endpoints, and restore the domain; returns the answer."""

    def restore_without(*endpoints: str) -> dict:
        assert api.delete(f"{URL}/{routed.pk}").status_code == 200
        for pk in endpoints:
            assert api.delete(f"/api/v2/endpoints/{pk}").status_code == 200
        answer: dict = api.post(f"/api/v2/deletions/{DomainDeletion.objects.get().pk}/restore").json()
        return answer

    return restore_without


def endpoint_of_a() -> str:
    return str(EmailAddress.objects.get(address="a@example.com").endpoint_id)


def test_nothing_is_said_of_addresses_that_had_none(restore_without):
    assert "warning" not in restore_without()


def test_an_address_whose_endpoint_is_gone_is_counted(restore_without):
    assert restore_without(endpoint_of_a())["warning"] == ONE


def test_a_catch_all_whose_endpoint_is_gone_is_off(restore_without, routed):
    assert restore_without(routed.catch_all_endpoint_id)["warning"] == CATCH_ALL


def test_what_was_gone_before_the_deletion_is_not_counted(api, restore_without, routed):
    for pk in (endpoint_of_a(), routed.catch_all_endpoint_id):
        assert api.delete(f"/api/v2/endpoints/{pk}").status_code == 200
    assert "warning" not in restore_without()


def test_it_stands_before_what_ses_has_not_confirmed(restore_without, ses, impatient):
    fail_calls(ses)
    assert restore_without(endpoint_of_a())["warning"].startswith(f"{ONE} The domain is restored, but ")


def test_the_command_says_it_and_that_something_is_left_to_do(api, routed):
    api.delete(f"{URL}/{routed.pk}")
    api.delete(f"/api/v2/endpoints/{endpoint_of_a()}")
    said = f"example.com is restored.\n{ONE}\nSES has confirmed it.\n"
    assert run("restore_domain", "example.com") == (2, said)


def test_the_admin_says_it(api, routed, admin_client):
    api.delete(f"{URL}/{routed.pk}")
    api.delete(f"/api/v2/endpoints/{endpoint_of_a()}")
    path = url("domains.domaindeletion", "restore", DomainDeletion.objects.get().pk)
    page = admin_client.post(path, follow=True)
    assert f"Of example.com: {ONE}" in [str(message) for message in page.context["messages"]]


def test_both_are_told_together():
    both = f"The endpoint of 2 email addresses is gone. Mail for them goes to no endpoint until you choose one. {CATCH_ALL}"
    assert lost_routes(addresses=2, catch_all=True) == both
    assert lost_routes(addresses=0, catch_all=False) == ""
