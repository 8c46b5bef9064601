"""POST /domains"""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings

from domains.models import DnsRecord, Domain
from inbound.models import Scope
from inbound.tests.support.aws import (
    calls,
    create_foreign_identity,
    fail_calls,
    identities,
    keep_new_identities_pending,
    recover_and_run_worker,
)
from inbound.tests.support.factories import DomainFactory, UserFactory
from inbound.tests.support.json_bodies import any_object

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("alive")]

URL = "/api/v2/domains"
CHANGE_PENDING = "SES has not confirmed the change. It is recorded and will be applied automatically."


def test_the_answer_lists_the_dns_records_to_publish(api, ses, user):
    answer = api.post(URL, {"domain": "example.com"})
    assert answer.status_code == 201
    body = answer.json()
    row = Domain.objects.get()
    assert (row.pk, row.name, row.owner) == (body["id"], "example.com", user)
    assert body["id"].startswith("indm_")
    records = body.pop("dnsRecords")
    assert {key: body[key] for key in body if key not in ("id", "createdAt", "updatedAt")} == {
        "domain": "example.com",
        "status": "verified",
        "canReceiveEmails": True,
        "hasMxRecords": False,
        "domainProvider": "DNS Provider",
        "providerConfidence": "low",
        "mailFromDomain": "mail.example.com",
        "mailFromDomainStatus": "Pending",
    }
    assert [(record["type"], record["name"]) for record in records[:6]] == [
        ("TXT", "_amazonses.example.com"),
        ("MX", "example.com"),
        ("TXT", "example.com"),
        ("TXT", "_dmarc.example.com"),
        ("MX", "mail.example.com"),
        ("TXT", "mail.example.com"),
    ]
    assert [record["type"] for record in records[6:]] == ["CNAME"] * 3
    assert all(record["value"] and record["description"] for record in records)
    # SPF, DMARC and MAIL FROM are not needed to receive mail.
    assert [record["isRequired"] for record in records] == [True, True, False, False, False, False, True, True, True]
    assert DnsRecord.objects.count() == 9


def test_adding_a_domain_makes_three_calls(api, ses):
    """The third call gets the TXT token, which version 2 of the SES API does not have."""
    api.post(URL, {"domain": "example.com"})
    assert calls(ses) == ["CreateEmailIdentity", "VerifyDomainIdentity", "SetIdentityMailFromDomain"]
    created = ses.journal()[0]["parameters"]
    assert created["Tags"] == [{"Key": "inbound", "Value": "inbound"}]


def test_a_domain_is_pending_until_ses_has_verified_it(api, ses):
    keep_new_identities_pending(ses)
    answer = api.post(URL, {"domain": "example.com"})
    assert answer.json()["status"] == "pending"
    assert "warning" not in answer.json()


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("EXAMPLE.com", "example.com"),
        ("  example.com\n", "example.com"),
        ("example.com.", "example.com"),
        ("bücher.example.com", "xn--bcher-kva.example.com"),
        ("BÜCHER.de", "xn--bcher-kva.de"),
        ("xn--bcher-kva.de", "xn--bcher-kva.de"),
        ("shop.example.co.uk", "shop.example.co.uk"),
    ],
)
def test_names_are_normalised(api, ses, typed, stored):
    assert api.post(URL, {"domain": typed, "other": 1}).json()["domain"] == stored
    assert identities(ses) == {stored}


BAD_BODIES = [
        ({}, "Domain is required"),
        ({"domain": None}, "Domain is required"),
        ({"domain": ""}, "Domain is required"),
        ({"domain": "   "}, "Invalid domain format"),
        ({"name": "example.com"}, "Domain is required"),
        ({"domain": 1}, "domain must be a string"),
        ({"domain": 0}, "domain must be a string"),
        ({"domain": True}, "domain must be a string"),
        ({"domain": ["example.com"]}, "domain must be a string"),
        ({"domain": {"name": "example.com"}}, "domain must be a string"),
        ({"domain": "a\x00.com"}, "domain is not valid: Null characters are not allowed."),
        ({"domain": "\ud800.com"}, "domain is not valid: Surrogate characters are not allowed: U+D800."),
        ({"domain": "a" * 1001}, "domain is not valid: Ensure this field has no more than 1000 characters."),
        ([{"domain": "example.com"}], "Request body must be a JSON object."),
        ("example.com", "Request body must be a JSON object."),
        (None, "Request body must be a JSON object."),
    ]  # fmt: skip


def test_a_bad_body_is_refused(api, ses, subtests):
    for body, error in BAD_BODIES:
        with subtests.test(body=body):
            answer = api.post(URL, json.dumps(body), content_type="application/json")
            assert (answer.status_code, answer.json()) == (400, {"error": error})
            assert not Domain.objects.exists()
            assert calls(ses) == []


NO_DOMAINS = ["localhost", "com", "1.2.3.4", "a_b.com", "x" * 64 + ".com"]


def test_what_is_no_domain_name_is_refused(api, ses, subtests):
    for name in NO_DOMAINS:
        with subtests.test(name=name):
            answer = api.post(URL, {"domain": name})
            assert (answer.status_code, answer.json()) == (400, {"error": "Invalid domain format"})
            assert not Domain.objects.exists()
            assert calls(ses) == []


def test_public_suffixes_and_special_names_are_refused_with_the_reason(api, ses, subtests):
    for name, reason in (("CO.UK.", "co.uk is a public suffix"), ("nas.local", ".local is reserved")):
        with subtests.test(name=name):
            answer = api.post(URL, {"domain": name})
            assert answer.status_code == 400
            assert answer.json()["error"] == "Invalid domain format"
            assert answer.json()["details"].startswith(reason)
            assert not Domain.objects.exists()
            assert calls(ses) == []


def test_a_domain_that_became_a_public_suffix_later_keeps_working(api, ses, user):
    domain = DomainFactory(name="co.uk", owner=user)
    answer = api.post("/api/v2/email-addresses", {"address": "Info@CO.UK", "domainId": domain.pk})
    assert (answer.status_code, answer.json()["address"]) == (201, "info@co.uk")


NO_JSON = [b"{", b"{'domain': 1}", b"\xff", b'{"domain": NaN}', b"[" * 100_000]


def test_invalid_json_is_refused(api, ses, subtests):
    for body in NO_JSON:
        with subtests.test(body=body):
            answer = api.post(URL, body, content_type="application/json")
            assert (answer.status_code, answer.json()) == (400, {"error": "Invalid JSON in request body."})


def test_a_second_domain_of_the_same_name_is_refused(api, domain, ses):
    answer = api.post(URL, {"domain": "Example.COM"})
    assert answer.status_code == 409
    assert answer.json() == {"error": "You have already added this domain to your account"}
    assert calls(ses) == []


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("example.com", "example.com"),
        ("mail.example.com", "example.com"),
        ("a.b.example.com", "example.com"),
        ("example.com", "mail.example.com"),
        ("example.com", "a.b.example.com"),
    ],
)
def test_a_domain_and_its_subdomains_belong_to_one_owner(api, ses, name, other):
    DomainFactory(name=other)
    ses.clear_journal()
    answer = api.post(URL, {"domain": name})
    assert answer.status_code == 409
    assert answer.json()["code"] == "DOMAIN_ALREADY_REGISTERED"
    assert answer.json()["error"].startswith("This domain is already registered on our platform.")
    assert Domain.objects.count() == 1
    assert calls(ses) == []


@pytest.mark.parametrize("name", ["notexample.com", "example.com.au", "example.org"])
def test_a_similar_name_that_is_no_subdomain_can_be_added(api, ses, name):
    DomainFactory(name="example.com")
    assert api.post(URL, {"domain": name}).status_code == 201


def test_one_owner_may_add_parent_and_child(api, domain):
    for name in ("sub.example.com", "a.b.example.com"):
        assert api.post(URL, {"domain": name}).status_code == 201


def test_two_owners_may_have_different_domains(api, client_for, ses):
    other = client_for(UserFactory())
    assert api.post(URL, {"domain": "example.com"}).status_code == 201
    assert other.post(URL, {"domain": "example.org"}).status_code == 201
    assert [row["domain"] for row in other.get(URL).json()["data"]] == ["example.org"]
    assert identities(ses) == {"example.com", "example.org"}


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("throttle", "AWS is throttling our calls."),
        ("fail", "AWS reported an internal error."),
        ("dropped", "AWS gave no answer."),
        ("lost", "AWS gave no answer."),
        ("access_denied", "AWS does not allow ses:CreateEmailIdentity; the credentials lack a permission."),
    ],
)
def test_the_worker_completes_a_domain_that_ses_refused(api, ses, impatient, fault, sentence):
    fail_calls(ses, fault=fault)
    answer = api.post(URL, {"domain": "example.com"})
    assert answer.status_code == 201
    body = answer.json()
    assert body["status"] == "pending"
    assert body["warning"] == f"SES has not created the identity yet. {sentence} {CHANGE_PENDING}"
    # Without those of tokens and of the MAIL FROM domain, which only SES knows.
    assert len(body["dnsRecords"]) == 3
    recover_and_run_worker(ses)
    shown = api.get(f"{URL}/{body['id']}").json()
    assert (shown["status"], shown["mailFromDomain"]) == ("verified", "mail.example.com")
    assert len(api.get(f"{URL}/{body['id']}/dns-records").json()["records"]) == 9
    assert identities(ses) == {"example.com"}


def test_a_throttled_call_is_retried_within_the_budget(api, ses):
    ses.add_faults({"service": "sesv2", "action": "CreateEmailIdentity", "fault": "throttle"})
    answer = api.post(URL, {"domain": "example.com"})
    assert "warning" not in answer.json()
    assert calls(ses)[:2] == ["CreateEmailIdentity", "CreateEmailIdentity"]


def test_without_a_region_no_records_are_listed(api, ses, settings):
    """Half of the records contain the region."""
    settings.AWS_REGION = ""
    answer = api.post(URL, {"domain": "example.com"})
    assert answer.status_code == 201
    assert (answer.json()["status"], answer.json()["dnsRecords"]) == ("pending", [])
    assert answer.json()["warning"] == (
        f"SES has not created the identity yet. AWS region or credentials are missing. {CHANGE_PENDING}"
    )
    assert not DnsRecord.objects.exists()
    assert calls(ses) == []


def test_a_foreign_identity_is_used(api, ses):
    create_foreign_identity("example.com")
    ses.clear_journal()
    answer = api.post(URL, {"domain": "example.com"})
    assert answer.json()["status"] == "verified"
    assert "warning" not in answer.json()
    assert calls(ses) == ["CreateEmailIdentity", "GetEmailIdentity", "VerifyDomainIdentity"]


def test_adding_needs_the_write_scope(client_for, user, ses):
    answer = client_for(user, Scope.READ).post(URL, {"domain": "example.com"})
    assert (answer.status_code, answer.json()) == (403, {"error": "This API key lacks the 'write' scope."})
    assert not Domain.objects.exists()


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=any_object("domain"))
def test_no_body_causes_a_server_error(api, aws, body):
    answer = api.post(URL, json.dumps(body), content_type="application/json")
    assert answer.status_code in (201, 400, 409)
    assert isinstance(answer.json().get("error", ""), str)
