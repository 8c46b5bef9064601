"""PUT /domains/{id}"""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from domains.lifecycle import catch_all
from domains.models import Domain
from endpoints.models import Endpoint
from inbound.tests.support.aws import calls, fail_calls, recipients_sent, recover_and_run_worker, rules
from inbound.tests.support.factories import EmailAddressFactory, EndpointFactory, UserFactory
from inbound.tests.support.json_bodies import any_object

RULE, CATCH_ALL = "inbound-example.com-rule", "inbound-example.com-catchall-rule"
pytestmark = pytest.mark.usefixtures("alive")

CHANGE_PENDING = "SES has not confirmed the change. It is recorded and will be applied automatically."


@pytest.fixture
def endpoint(user):
    return EndpointFactory(owner=user, name="Hook")


@pytest.fixture
def addresses(domain, ses):
    rows = [EmailAddressFactory(domain=domain, address=f"{local}@example.com") for local in "ab"]
    ses.clear_journal()
    return rows


@pytest.fixture
def put(api, domain):
    return lambda body: api.put(f"/api/v2/domains/{domain.pk}", body)


@pytest.fixture
def switch_on(put, endpoint, ses):
    """Enable catch-all with the endpoint."""

    def switch(to=endpoint):
        answer = put({"isCatchAllEnabled": True, "catchAllEndpointId": to.pk})
        assert answer.status_code == 200
        return answer.json()

    return switch


def test_enabling_creates_one_rule_if_there_are_no_addresses(switch_on, domain, endpoint, ses):
    body = switch_on()
    assert body.pop("updatedAt")
    assert body == {
        "id": domain.pk,
        "domain": "example.com",
        "status": "verified",
        "isCatchAllEnabled": True,
        "catchAllEndpointId": endpoint.pk,
        "catchAllEndpoint": {"id": endpoint.pk, "name": "Hook", "type": "webhook", "isActive": True},
        "receiptRuleName": CATCH_ALL,
    }
    assert calls(ses) == ["CreateReceiptRule"]
    assert rules(ses) == {CATCH_ALL: {"example.com"}}


def test_enabling_replaces_the_address_rule(switch_on, addresses, api, ses):
    """With both rules mail would be stored twice. The new one is created first, so that no mail is lost."""
    switch_on()
    assert calls(ses) == ["CreateReceiptRule", "DeleteReceiptRule"]
    assert recipients_sent(ses) == [{"example.com"}]
    assert rules(ses) == {CATCH_ALL: {"example.com"}}
    shown = api.get(f"/api/v2/email-addresses/{addresses[0].pk}").json()
    assert (shown["isReceiptRuleConfigured"], shown["receiptRuleName"]) == (True, CATCH_ALL)


def test_disabling_creates_the_address_rule_first(switch_on, put, addresses, ses):
    switch_on()
    ses.clear_journal()
    body = put({"isCatchAllEnabled": False}).json()
    assert (body["isCatchAllEnabled"], body["catchAllEndpointId"], body["catchAllEndpoint"]) == (False, None, None)
    assert body["receiptRuleName"] is None
    assert "awsConfigurationWarning" not in body
    assert calls(ses) == ["CreateReceiptRule", "DeleteReceiptRule"]
    assert rules(ses) == {RULE: {"a@example.com", "b@example.com"}}


def test_disabling_without_addresses_deletes_one_rule(switch_on, put, ses):
    switch_on()
    ses.clear_journal()
    put({"isCatchAllEnabled": False, "catchAllEndpointId": "whatever"})
    assert calls(ses) == ["DeleteReceiptRule"]
    assert rules(ses) == {}


def test_changing_the_endpoint_makes_no_call(switch_on, user, ses):
    switch_on()
    ses.clear_journal()
    other = EndpointFactory(owner=user)
    body = switch_on(other)
    assert (body["catchAllEndpointId"], body["receiptRuleName"]) == (other.pk, CATCH_ALL)
    assert calls(ses) == []


def test_an_update_without_effect_makes_no_call(switch_on, put, ses):
    put({"isCatchAllEnabled": False})
    assert calls(ses) == []
    switch_on()
    switch_on()
    assert calls(ses) == ["CreateReceiptRule"]


def test_disabling_works_on_an_unverified_domain(switch_on, put, ses):
    switch_on()
    Domain.objects.update(status="failed")
    assert put({"isCatchAllEnabled": False}).status_code == 200
    assert rules(ses) == {}


BAD_BODIES = [
        ({}, "isCatchAllEnabled is required"),
        ({"isCatchAllEnabled": None}, "isCatchAllEnabled must be a boolean"),
        ({"isCatchAllEnabled": "true"}, "isCatchAllEnabled must be a boolean"),
        ({"isCatchAllEnabled": 1}, "isCatchAllEnabled must be a boolean"),
        ({"isCatchAllEnabled": []}, "isCatchAllEnabled must be a boolean"),
        ({"isCatchAllEnabled": True}, "catchAllEndpointId is required when enabling catch-all"),
        ({"isCatchAllEnabled": True, "catchAllEndpointId": None},
         "catchAllEndpointId is required when enabling catch-all"),
        ({"isCatchAllEnabled": True, "catchAllEndpointId": ""},
         "catchAllEndpointId is required when enabling catch-all"),
        ({"isCatchAllEnabled": True, "catchAllEndpointId": 5}, "catchAllEndpointId must be a string"),
        ({"isCatchAllEnabled": False, "catchAllEndpointId": {}}, "catchAllEndpointId must be a string"),
        ({"isCatchAllEnabled": True, "catchAllEndpointId": "nope"}, "Endpoint not found or does not belong to user"),
        ({"isCatchAllEnabled": True, "catchAllEndpointId": "a b"}, "Endpoint not found or does not belong to user"),
        ({"isCatchAllEnabled": True, "catchAllEndpointId": "\x00"},
         "catchAllEndpointId is not valid: Null characters are not allowed."),
        ({"isCatchAllEnabled": True, "catchAllEndpointId": "a" * 256},
         "catchAllEndpointId is not valid: Ensure this field has no more than 255 characters."),
        ([True], "Request body must be a JSON object."),
    ]  # fmt: skip


def test_a_bad_body_changes_nothing(api, domain, ses, subtests):
    for body, error in BAD_BODIES:
        with subtests.test(body=body):
            answer = api.put(f"/api/v2/domains/{domain.pk}", json.dumps(body), content_type="application/json")
            assert (answer.status_code, answer.json()) == (400, {"error": error})
            assert not Domain.objects.get().is_catch_all_enabled
            assert calls(ses) == []


def test_enabling_needs_a_verified_domain_and_an_active_endpoint_of_the_caller(put, user, endpoint, ses):
    def error(pk):
        answer = put({"isCatchAllEnabled": True, "catchAllEndpointId": pk})
        return answer.status_code, answer.json()["error"]

    assert error(EndpointFactory(owner=UserFactory()).pk) == (400, "Endpoint not found or does not belong to user")
    assert error(EndpointFactory(owner=user, is_active=False).pk) == (400, "Selected endpoint is not active")
    Domain.objects.update(status="pending")
    assert error(endpoint.pk) == (400, "Domain must be verified before configuring catch-all")
    assert calls(ses) == []


def test_disabling_the_endpoint_changes_nothing_in_ses(switch_on, endpoint, ses):
    switch_on()
    ses.clear_journal()
    endpoint.is_active = False
    endpoint.save()
    assert calls(ses) == []
    assert rules(ses) == {CATCH_ALL: {"example.com"}}


def test_deleting_the_endpoint_disables_catch_all(switch_on, addresses, endpoint, ses):
    switch_on()
    endpoint.delete()
    assert not Domain.objects.get().is_catch_all_enabled
    assert rules(ses) == {RULE: {"a@example.com", "b@example.com"}}


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("throttle", "AWS is throttling our calls."),
        ("access_denied", "AWS does not allow ses:CreateReceiptRule; the credentials lack a permission."),
        ("lost", "AWS gave no answer."),
    ],
)
def test_the_worker_applies_a_change_that_ses_refused(switch_on, put, addresses, ses, impatient, fault, sentence):
    fail_calls(ses, fault=fault)
    warning = f"SES catch-all configuration failed: {sentence} {CHANGE_PENDING}"
    body = switch_on()
    assert (body["isCatchAllEnabled"], body["receiptRuleName"]) == (True, None)
    assert body["awsConfigurationWarning"] == warning
    recover_and_run_worker(ses)
    assert rules(ses) == {CATCH_ALL: {"example.com"}}
    fail_calls(ses, fault=fault)
    body = put({"isCatchAllEnabled": False}).json()
    assert (body["receiptRuleName"], body["awsConfigurationWarning"]) == (None, warning)
    recover_and_run_worker(ses)
    assert rules(ses) == {RULE: {"a@example.com", "b@example.com"}}


def test_the_address_rule_stays_until_the_catch_all_rule_exists(switch_on, addresses, ses, impatient):
    fail_calls(ses, "CreateReceiptRule")
    switch_on()
    assert rules(ses) == {RULE: {"a@example.com", "b@example.com"}}


def test_without_a_bucket_the_change_is_pending(switch_on, ses, settings, impatient):
    settings.S3_BUCKET_NAME = ""
    warning = switch_on()["awsConfigurationWarning"]
    assert warning == f"SES catch-all configuration failed: S3_BUCKET_NAME is missing. {CHANGE_PENDING}"
    assert calls(ses) == []


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=any_object(isCatchAllEnabled=st.booleans(), catchAllEndpointId=st.just("nope")))
def test_no_body_causes_a_server_error(api, domain, body):
    answer = api.put(f"/api/v2/domains/{domain.pk}", json.dumps(body), content_type="application/json")
    assert answer.status_code in (200, 400)
    assert isinstance(answer.json().get("error", ""), str)


def test_catch_all_is_off_if_the_endpoint_is_deleted_during_the_request(put, endpoint, monkeypatch):
    monkeypatch.setattr(catch_all, "reconcile", lambda *_: Endpoint.objects.all().delete())
    answer = put({"isCatchAllEnabled": True, "catchAllEndpointId": endpoint.pk})
    assert answer.status_code == 200
    assert (answer.json()["isCatchAllEnabled"], answer.json()["catchAllEndpoint"]) == (False, None)
