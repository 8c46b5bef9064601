"""PUT /email-addresses/{id}"""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from addresses.models import EmailAddress
from inbound.tests.support.aws import calls, fail_calls, recipients_sent, recover_and_run_worker, rules
from inbound.tests.support.factories import EmailAddressFactory, EndpointFactory, UserFactory
from inbound.tests.support.json_bodies import any_object

URL = "/api/v2/email-addresses"
RULE = "inbound-example.com-rule"
pytestmark = pytest.mark.usefixtures("alive")

CHANGE_PENDING = "SES has not confirmed the change. It is recorded and will be applied automatically."


@pytest.fixture
def address(domain, user, ses):
    """One of two addresses."""
    EmailAddressFactory(domain=domain, address="b@example.com")
    address = EmailAddressFactory(domain=domain, address="a@example.com", endpoint=EndpointFactory(owner=user))
    ses.clear_journal()
    return address


@pytest.fixture
def put(api, address):
    return lambda **body: api.put(f"{URL}/{address.pk}", body)


def test_changing_the_endpoint_makes_no_call(put, user, ses):
    other = EndpointFactory(owner=user, name="Other")
    answer = put(endpointId=other.pk)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["endpointId"], body["routing"]["name"]) == (other.pk, "Other")
    assert (body["isReceiptRuleConfigured"], body["receiptRuleName"]) == (True, RULE)
    assert calls(ses) == []


def test_null_removes_the_endpoint(put, ses):
    body = put(endpointId=None).json()
    assert (body["endpointId"], body["routing"]["type"]) == (None, "none")
    assert calls(ses) == []


@pytest.mark.parametrize("body", [{}, {"webhookId": None}, {"address": "z@example.com"}, {"isActive": True}])
def test_an_update_without_changes_sets_only_updated_at(put, api, address, ses, body):
    before = api.get(f"{URL}/{address.pk}").json()
    after = put(**body).json()
    assert after.pop("updatedAt") > before.pop("updatedAt")
    assert after == before
    assert calls(ses) == []


def test_deactivating_removes_the_recipient_and_activating_adds_it(put, ses):
    body = put(isActive=False).json()
    assert (body["isActive"], body["isReceiptRuleConfigured"], body["receiptRuleName"]) == (False, False, None)
    assert "warning" not in body
    assert rules(ses) == {RULE: {"b@example.com"}}
    body = put(isActive=True).json()
    assert (body["isActive"], body["isReceiptRuleConfigured"], body["receiptRuleName"]) == (True, True, RULE)
    assert calls(ses) == ["UpdateReceiptRule", "UpdateReceiptRule"]
    assert recipients_sent(ses) == [{"b@example.com"}, {"a@example.com", "b@example.com"}]


def test_deactivating_the_last_address_deletes_the_rule(put, ses):
    put(isActive=False)
    EmailAddress.objects.exclude(address="a@example.com").get().delete()
    assert calls(ses) == ["UpdateReceiptRule", "DeleteReceiptRule"]
    put(isActive=True)
    assert calls(ses)[2:] == ["CreateReceiptRule"]
    assert rules(ses) == {RULE: {"a@example.com"}}


def test_with_a_catch_all_no_call_is_made(put, api, address, ses):
    api.put(
        f"/api/v2/domains/{address.domain_id}", {"isCatchAllEnabled": True, "catchAllEndpointId": address.endpoint_id}
    )
    ses.clear_journal()
    assert put(isActive=False).json()["isReceiptRuleConfigured"] is False
    assert put(isActive=True).json()["isReceiptRuleConfigured"] is True
    assert calls(ses) == []


BAD_BODIES = [
        ({"isActive": "true"}, 400, "isActive must be a boolean"),
        ({"isActive": None}, 400, "isActive must be a boolean"),
        ({"isActive": 0}, 400, "isActive must be a boolean"),
        ({"isActive": {}}, 400, "isActive must be a boolean"),
        ({"endpointId": 1}, 400, "endpointId must be a string"),
        ({"endpointId": True}, 400, "endpointId must be a string"),
        ({"webhookId": []}, 400, "webhookId must be a string"),
        ({"endpointId": "a\x00"}, 400, "endpointId is not valid: Null characters are not allowed."),
        ({"endpointId": "\udfff"}, 400, "endpointId is not valid: Surrogate characters are not allowed: U+DFFF."),
        ({"endpointId": "a" * 256}, 400, "endpointId is not valid: Ensure this field has no more than 255 characters."),
        ({"endpointId": "x", "webhookId": "y"}, 400, "Cannot specify both endpoint and webhook"),
        ({"endpointId": "nope", "isActive": False}, 404, "Endpoint not found or access denied"),
        ({"webhookId": "nope", "isActive": False}, 404, "Webhook not found or access denied"),
        ([], 400, "Request body must be a JSON object."),
    ]  # fmt: skip


def test_a_bad_body_changes_nothing(api, address, ses, subtests):
    for body, status, error in BAD_BODIES:
        with subtests.test(body=body):
            answer = api.put(f"{URL}/{address.pk}", json.dumps(body), content_type="application/json")
            assert (answer.status_code, answer.json()) == (status, {"error": error})
            row = EmailAddress.objects.get(pk=address.pk)
            assert (row.endpoint_id, row.is_active, row.updated_at) == (address.endpoint_id, True, address.updated_at)
            assert calls(ses) == []


def test_another_users_endpoint_is_not_found(put, ses):
    answer = put(endpointId=EndpointFactory(owner=UserFactory()).pk)
    assert (answer.status_code, answer.json()) == (404, {"error": "Endpoint not found or access denied"})


@pytest.mark.parametrize("fault", ["throttle", "access_denied", "lost", "dropped"])
def test_the_worker_applies_a_change_that_ses_refused(put, ses, impatient, fault):
    fail_calls(ses, fault=fault)
    body = put(isActive=False).json()
    assert body["isActive"] is False
    assert body["warning"].startswith("SES configuration failed: AWS ")
    assert body["warning"].endswith(CHANGE_PENDING)
    recover_and_run_worker(ses)
    assert rules(ses) == {RULE: {"b@example.com"}}


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=any_object("webhookId", endpointId=st.none(), isActive=st.booleans()))
def test_no_body_causes_a_server_error(api, address, body):
    answer = api.put(f"{URL}/{address.pk}", json.dumps(body), content_type="application/json")
    assert answer.status_code in (200, 400, 404)
    assert isinstance(answer.json().get("error", ""), str)
