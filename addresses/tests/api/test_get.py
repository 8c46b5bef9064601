"""GET /email-addresses/{id}"""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from addresses.models import EmailAddress
from domains.models import Domain
from inbound.tests.support.aws import calls, fail_calls
from inbound.tests.support.factories import EmailAddressFactory, EndpointFactory, UserFactory

pytestmark = pytest.mark.sqlite

URL = "/api/v2/email-addresses"


@pytest.fixture
def address(domain, user, ses):
    address = EmailAddressFactory(domain=domain, address="a@example.com", endpoint=EndpointFactory(owner=user))
    ses.clear_journal()
    return address


def test_an_address_is_shown_with_its_domain_and_its_route(api, address, domain, user):
    shown = api.get(f"{URL}/{address.pk}")
    assert shown.status_code == 200
    body = shown.json()
    assert (body["id"], body["address"], body["userId"]) == (address.pk, "a@example.com", str(user.pk))
    assert body["domain"] == {"id": domain.pk, "name": "example.com", "status": "verified"}
    assert body["routing"]["id"] == body["endpointId"] == address.endpoint_id
    assert (body["isReceiptRuleConfigured"], body["receiptRuleName"]) == (True, "inbound-example.com-rule")


def test_reading_makes_no_call_and_needs_two_statements(api, address, ses, django_assert_num_queries):
    api.get(URL)  # records the use of the key
    with django_assert_num_queries(2):  # key, address
        api.get(f"{URL}/{address.pk}")
    assert calls(ses) == []


def test_secrets_of_the_endpoint_are_redacted(api, address, user):
    endpoint = EndpointFactory(
        owner=user,
        config={
            "url": "https://me:s3cret-1@hooks.example.org/mail?token=s3cret-2&page=1",
            "secret": "s3cret-3",
            "headers": {"X-Anything": "s3cret-4"},
            "auth": {"password": "s3cret-5"},
            "timeout": 30,
        },
    )
    answers = [
        api.put(f"{URL}/{address.pk}", {"endpointId": endpoint.pk}),
        api.get(f"{URL}/{address.pk}"),
        api.get(URL),
        api.post(URL, {"address": "b@example.com", "domainId": address.domain_id, "endpointId": endpoint.pk}),
    ]
    for answer in answers:
        assert answer.status_code in (200, 201)
        assert "s3cret" not in json.dumps(answer.json())
    config = answers[1].json()["routing"]["config"]
    assert (config["timeout"], config["url"].endswith("&page=1")) == (30, True)


def test_an_address_without_a_rule_in_ses_is_not_configured(api, domain, ses, impatient):
    fail_calls(ses)
    row = EmailAddressFactory(domain=domain)
    body = api.get(f"{URL}/{row.pk}").json()
    assert (body["isReceiptRuleConfigured"], body["receiptRuleName"]) == (False, None)


def test_deleting_the_endpoint_removes_the_route(api, address, ses):
    address.endpoint.delete()
    body = api.get(f"{URL}/{address.pk}").json()
    assert (body["endpointId"], body["routing"]["type"]) == (None, "none")
    assert calls(ses) == []


@pytest.mark.parametrize(("method", "body"), [("get", None), ("put", {"isActive": False}), ("delete", None)])
def test_another_users_address_is_not_found(client_for, address, ses, method, body):
    answer = getattr(client_for(UserFactory()), method)(f"{URL}/{address.pk}", body)
    assert (answer.status_code, answer.json()) == (404, {"error": "Email address not found"})
    assert EmailAddress.objects.get().is_active
    assert calls(ses) == []


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_an_address_of_a_domain_that_is_being_deleted_is_not_found(api, address, method):
    Domain.objects.update(deleting_since=timezone.now())
    answer = getattr(api, method)(f"{URL}/{address.pk}")
    assert (answer.status_code, answer.json()) == (404, {"error": "Email address not found"})


ODD_IDS = ["nope", "a%00b", "%20", "a b", "a" * 5000, "%F0%9F%92%A9", "a%0A", "a@example.com"]


def test_an_unknown_id_is_not_found(api, address, subtests):
    for pk in ODD_IDS:
        with subtests.test(pk=pk):
            for method in (api.get, api.put, api.delete):
                answer = method(f"{URL}/{pk}")
                assert (answer.status_code, answer.json()) == (404, {"error": "Email address not found"})


def test_other_methods_are_not_allowed(api, address):
    for method in (api.post, api.patch):
        answer = method(f"{URL}/{address.pk}")
        assert (answer.status_code, answer.content) == (405, b"")
