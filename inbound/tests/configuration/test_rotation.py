"""What was made under an earlier SECRET_KEY is accepted while that key is in SECRET_KEY_FALLBACKS."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from endpoints.models import Endpoint
from inbound.models import IdempotencyRecord
from inbound.tests.api.idempotency.requests import age_records, assert_refused, assert_replayed, leave_running, post
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory, EndpointFactory, UserFactory

URL = "/api/v2/email-addresses/address"
DOMAIN_URL = "/api/v2/domains/domain"


@pytest.fixture
def rotate(settings) -> Callable[[], None]:
    """`rotate()` sets a new key and keeps the earlier ones."""

    def rotate() -> None:
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        settings.SECRET_KEY = f"key number {len(settings.SECRET_KEY_FALLBACKS)}"

    return rotate


@pytest.fixture
def address(user, ses):
    domain = DomainFactory(pk="domain", owner=user, name="example.com")
    return EmailAddressFactory(pk="address", domain=domain, address="a@example.com")


def test_a_repeated_request_gets_its_stored_answer(api, rotate):
    first = post(api)
    for _ in range(2):
        rotate()
        assert_replayed(post(api), first)
        assert_refused(post(api, {}))
    assert Endpoint.objects.count() == 1


def test_an_answer_is_stored_under_the_new_key(api, rotate, settings):
    rotate()
    first = post(api)
    settings.SECRET_KEY_FALLBACKS = []
    assert_replayed(post(api), first)


def test_without_the_earlier_key_a_stored_answer_cannot_be_read(api, rotate, settings):
    post(api)
    rotate()
    settings.SECRET_KEY_FALLBACKS = ["another"]
    assert_refused(post(api))


def test_a_request_whose_process_was_killed_runs_again_under_the_new_key(api, rotate, settings):
    leave_running(api)
    age_records(settings.SES_REQUEST_BUDGET + 5 * 60 + 1)
    before = IdempotencyRecord.objects.get().fingerprint
    rotate()
    assert_refused(post(api, {}))
    first = post(api)
    assert first.status_code == 201
    assert IdempotencyRecord.objects.get().fingerprint != before
    assert_replayed(post(api), first)


@pytest.mark.parametrize("url", [URL, DOMAIN_URL])
def test_a_plan_can_be_confirmed(api, address, rotate, url):
    token = api.get(f"{url}/deletion-plan").json()["token"]
    rotate()
    assert api.get(f"{url}/deletion-plan").json()["token"] != token
    assert api.delete(f"{url}?plan={token}").status_code == 200


def test_a_plan_that_has_changed_is_outdated(api, address, rotate):
    token = api.get(f"{URL}/deletion-plan").json()["token"]
    rotate()
    address.endpoint = EndpointFactory(owner=address.domain.owner)
    address.save()
    assert api.delete(f"{URL}?plan={token}").json()["code"] == "PLAN_OUTDATED"


def test_a_plan_of_a_deleted_row_is_recognised(api, address, rotate):
    token = api.get(f"{URL}/deletion-plan").json()["token"]
    rotate()
    assert api.delete(URL).status_code == 200
    assert api.delete(f"{URL}?plan={token}").status_code == 409


def test_a_plan_is_outdated_without_the_earlier_key(api, address, rotate, settings):
    token = api.get(f"{URL}/deletion-plan").json()["token"]
    rotate()
    settings.SECRET_KEY_FALLBACKS = []
    assert api.delete(f"{URL}?plan={token}").json()["code"] == "PLAN_OUTDATED"


def test_everybody_stays_signed_in(transactional_db, rotate):
    browser = Client()
    browser.force_login(UserFactory(is_staff=True, is_superuser=True))
    rotate()
    assert browser.get(reverse("admin:index")).status_code == 200
