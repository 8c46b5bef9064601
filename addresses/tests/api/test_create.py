"""POST /email-addresses"""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from addresses import services
from addresses.models import EmailAddress
from domains.models import Domain
from inbound.models import Scope
from inbound.tests.support.aws import calls, fail_calls, key_prefixes, recipients_sent, recover_and_run_worker, rules
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory, EndpointFactory, UserFactory
from inbound.tests.support.json_bodies import any_object

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("alive")]

URL = "/api/v2/email-addresses"
RULE = "inbound-example.com-rule"
CHANGE_PENDING = "SES has not confirmed the change. It is recorded and will be applied automatically."


@pytest.fixture
def add(api, domain):
    def add(**body):
        return api.post(URL, {"address": "hello@example.com", "domainId": domain.pk} | body)

    return add


def test_a_new_address_is_received_at_once(add, domain, user, ses):
    endpoint = EndpointFactory(owner=user)
    answer = add(endpointId=endpoint.pk)
    assert answer.status_code == 201
    body = answer.json()
    assert body.pop("createdAt")
    assert body.pop("updatedAt")
    assert body == {
        "id": EmailAddress.objects.get().pk,
        "address": "hello@example.com",
        "domainId": domain.pk,
        "webhookId": None,
        "endpointId": endpoint.pk,
        "isActive": True,
        "isReceiptRuleConfigured": True,
        "receiptRuleName": RULE,
        "userId": str(user.pk),
        "domain": {"id": domain.pk, "name": "example.com", "status": "verified"},
        "routing": {
            "type": "endpoint",
            "id": endpoint.pk,
            "name": "Main",
            "config": {"url": "https://hooks.example.org/mail", "timeout": 30},
            "isActive": True,
        },
    }
    assert rules(ses) == {RULE: {"hello@example.com"}}
    assert key_prefixes(ses) == {RULE: domain.key_prefix}


def test_adding_an_address_makes_one_call(add, ses):
    for local in "abc":
        add(address=f"{local}@example.com")
    assert calls(ses) == ["CreateReceiptRule", "UpdateReceiptRule", "UpdateReceiptRule"]
    a, b, c = (f"{local}@example.com" for local in "abc")
    assert recipients_sent(ses) == [{a}, {a, b}, {a, b, c}]


def test_an_inactive_address_gets_no_rule(add, ses):
    body = add(isActive=False).json()
    assert (body["isActive"], body["isReceiptRuleConfigured"], body["receiptRuleName"]) == (False, False, None)
    assert "warning" not in body
    assert calls(ses) == []


def test_with_a_catch_all_no_call_is_made(add, api, domain, user, ses):
    endpoint = EndpointFactory(owner=user)
    api.put(f"/api/v2/domains/{domain.pk}", {"isCatchAllEnabled": True, "catchAllEndpointId": endpoint.pk})
    ses.clear_journal()
    body = add().json()
    assert (body["isReceiptRuleConfigured"], body["receiptRuleName"]) == (True, "inbound-example.com-catchall-rule")
    assert calls(ses) == []


def test_an_unverified_domain_can_have_addresses(add, ses):
    Domain.objects.update(status="pending")
    assert add().status_code == 201
    assert rules(ses) == {RULE: {"hello@example.com"}}


@pytest.mark.parametrize(
    ("typed", "stored"),
    [("Hello@EXAMPLE.com", "hello@example.com"), (" a+b@example.com ", "a+b@example.com")],
)
def test_addresses_are_normalised(add, ses, typed, stored):
    assert add(address=typed).json()["address"] == stored
    assert rules(ses) == {RULE: {stored}}
    assert add(address=typed.swapcase()).status_code == 409


MISSING = {"error": "Missing required fields", "required": ["address", "domainId"]}


BAD_BODIES = [
        ({}, MISSING),
        ({"address": "a@example.com"}, MISSING),
        ({"domainId": "x"}, MISSING),
        ({"address": None, "domainId": "x"}, MISSING),
        ({"address": "", "domainId": ""}, MISSING),
        ({"address": 1, "domainId": "x"}, {"error": "address must be a string"}),
        ({"address": "a@example.com", "domainId": ["x"]}, {"error": "domainId must be a string"}),
        ({"address": "a\x00@example.com", "domainId": "x"},
         {"error": "address is not valid: Null characters are not allowed."}),
        ({"address": "a@example.com", "domainId": "x" * 256},
         {"error": "domainId is not valid: Ensure this field has no more than 255 characters."}),
        ({"address": "a@example.com", "domainId": "x", "isActive": "yes"}, {"error": "isActive must be a boolean"}),
        ({"address": "a@example.com", "domainId": "x", "isActive": None}, {"error": "isActive must be a boolean"}),
        ({"address": "a@example.com", "domainId": "x", "isActive": 1}, {"error": "isActive must be a boolean"}),
        ({"address": "a@example.com", "domainId": "x", "endpointId": 1}, {"error": "endpointId must be a string"}),
        ({"address": "a@example.com", "domainId": "x", "webhookId": {}}, {"error": "webhookId must be a string"}),
        ([], {"error": "Request body must be a JSON object."}),
        ("a@example.com", {"error": "Request body must be a JSON object."}),
    ]  # fmt: skip


def test_a_bad_body_is_refused(api, ses, subtests):
    for body, answer in BAD_BODIES:
        with subtests.test(body=body):
            got = api.post(URL, json.dumps(body), content_type="application/json")
            assert (got.status_code, got.json()) == (400, answer)
            assert not EmailAddress.objects.exists()
            assert calls(ses) == []


NO_ADDRESSES = ["hello", "@example.com", "a b@example.com", "a@@example.com", "a@localhost"]


def test_an_invalid_address_is_refused(add, ses, subtests):
    for address in NO_ADDRESSES:
        with subtests.test(address=address):
            answer = add(address=address)
            assert (answer.status_code, answer.json()) == (400, {"error": "Invalid email address format"})
            assert not EmailAddress.objects.exists()
            assert calls(ses) == []


def test_other_users_domains_and_endpoints_are_not_found(add, user, ses):
    for pk in (DomainFactory().pk, "nope", "a b", "😀"):
        answer = add(domainId=pk)
        assert (answer.status_code, answer.json()) == (404, {"error": "Domain not found or access denied"})
    for pk in (EndpointFactory(owner=UserFactory()).pk, "nope", "a b"):
        answer = add(endpointId=pk)
        assert (answer.status_code, answer.json()) == (404, {"error": "Endpoint not found or access denied"})
    answer = add(webhookId="wh")
    assert (answer.status_code, answer.json()) == (404, {"error": "Webhook not found or access denied"})
    assert not EmailAddress.objects.exists()


OTHER_DOMAINS = ["a@example.org", "a@sub.example.com", "a@notexample.com"]


def test_the_address_must_belong_to_the_domain(add, ses, subtests):
    for address in OTHER_DOMAINS:
        with subtests.test(address=address):
            answer = add(address=address)
            assert (answer.status_code, answer.json()) == (
                400,
                {"error": "Email address must belong to domain example.com"},
            )
            assert calls(ses) == []


def test_an_existing_address_is_refused(add, ses):
    EmailAddressFactory(domain=Domain.objects.get(), address="hello@example.com", is_active=False)
    ses.clear_journal()
    answer = add()
    assert (answer.status_code, answer.json()) == (409, {"error": "Email address already exists"})
    assert calls(ses) == []


def test_an_endpoint_takes_precedence_over_a_webhook_and_may_be_inactive(add, user):
    endpoint = EndpointFactory(owner=user, is_active=False)
    body = add(endpointId=endpoint.pk, webhookId="wh").json()
    assert (body["endpointId"], body["routing"]["isActive"]) == (endpoint.pk, False)


def test_an_address_without_target_has_no_route(add):
    assert add(endpointId=None, webhookId="").json()["routing"] == {
        "type": "none",
        "id": None,
        "name": None,
        "isActive": False,
    }


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("throttle", "AWS is throttling our calls."),
        ("access_denied", "AWS does not allow ses:CreateReceiptRule; the credentials lack a permission."),
        ("lost", "AWS gave no answer."),
        ("dropped", "AWS gave no answer."),
    ],
)
def test_the_worker_applies_a_change_that_ses_refused(add, api, ses, impatient, fault, sentence):
    fail_calls(ses, fault=fault)
    answer = add()
    assert answer.status_code == 201
    body = answer.json()
    assert body["warning"] == f"SES configuration failed: {sentence} {CHANGE_PENDING}"
    assert (body["isReceiptRuleConfigured"], body["receiptRuleName"]) == (False, None)
    recover_and_run_worker(ses)
    assert rules(ses) == {RULE: {"hello@example.com"}}
    assert api.get(f"{URL}/{body['id']}").json()["receiptRuleName"] == RULE


def test_without_a_bucket_the_address_is_pending(add, ses, settings):
    settings.S3_BUCKET_NAME = ""
    body = add().json()
    assert body["warning"] == "AWS configuration incomplete. Missing S3_BUCKET_NAME or AWS_ACCOUNT_ID"
    assert body["isReceiptRuleConfigured"] is False
    assert calls(ses) == []


def test_addresses_beyond_a_rules_limit_get_another_rule(add, api, ses, settings):
    settings.SES_MAX_RECIPIENTS_PER_RULE = 2
    answers = [add(address=f"{local}@example.com").json() for local in "abcde"]
    a, b, c, d, e = (f"{local}@example.com" for local in "abcde")
    assert rules(ses) == {RULE: {a, b}, f"{RULE}-2": {c, d}, f"{RULE}-3": {e}}
    assert [answer["receiptRuleName"] for answer in answers] == [RULE, RULE, f"{RULE}-2", f"{RULE}-2", f"{RULE}-3"]
    ses.clear_journal()
    api.delete(f"{URL}/{answers[0]['id']}")
    add(address="f@example.com")
    assert rules(ses)[RULE] == {b, "f@example.com"}
    assert calls(ses) == ["UpdateReceiptRule", "UpdateReceiptRule"]


def test_adding_needs_the_write_scope(client_for, user, domain):
    answer = client_for(user, Scope.READ, Scope.DELETE).post(URL, {})
    assert (answer.status_code, answer.json()) == (403, {"error": "This API key lacks the 'write' scope."})


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=any_object("endpointId", "webhookId", address=st.just("a@example.com"), isActive=st.booleans()), own=...)
def test_no_body_causes_a_server_error(api, domain, body: dict, own: bool):
    body |= {"domainId": domain.pk} if own else {}
    answer = api.post(URL, json.dumps(body), content_type="application/json")
    assert answer.status_code in (201, 400, 404, 409)
    assert isinstance(answer.json().get("error", ""), str)


def test_a_rule_that_may_already_be_deleted_is_not_shown(ses, api, domain, settings):
    settings.SES_REQUEST_BUDGET = 0.5
    first = api.post(URL, {"address": "a@example.com", "domainId": domain.pk}).json()
    ses.add_faults({"service": "ses", "action": "DeleteReceiptRule", "fault": "lost"})
    ses.add_faults({"service": "ses", "action": "*", "fault": "throttle", "times": 0})
    api.delete(f"{URL}/{first['id']}")
    again = api.post(URL, {"address": "a@example.com", "domainId": domain.pk}).json()
    assert (again["isReceiptRuleConfigured"], again["receiptRuleName"]) == (False, None)
    assert again["warning"].startswith("SES configuration failed:")
    assert rules(ses) == {}


def test_an_address_deleted_during_the_request_is_not_found(api, domain, monkeypatch):
    monkeypatch.setattr(services, "reconcile", lambda *_: EmailAddress.objects.all().delete())
    answer = api.post(URL, {"address": "a@example.com", "domainId": domain.pk})
    assert (answer.status_code, answer.json()) == (404, {"error": "Email address not found"})
