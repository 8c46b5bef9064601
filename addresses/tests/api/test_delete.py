"""DELETE /email-addresses/{id}"""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from addresses.models import EmailAddress
from inbound.models import Scope
from inbound.tests.support.aws import (
    calls,
    fail_calls,
    identities,
    recipients_sent,
    recover_and_run_worker,
    remove_rule,
    rules,
)
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory, EndpointFactory

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("alive")]

URL = "/api/v2/email-addresses"
RULE, CATCH_ALL = "inbound-example.com-rule", "inbound-example.com-catchall-rule"
NOT_CONFIGURED = "AWS configuration incomplete. SES rules may need manual cleanup."
CHANGE_PENDING = "SES has not confirmed the change. It is recorded and will be applied automatically."
A, B, C = (f"{local}@example.com" for local in "abc")


@pytest.fixture
def have(domain, ses):
    """`have(A, B)` adds these addresses to SES and empties the journal."""

    def have(*addresses):
        rows = [EmailAddressFactory(domain=domain, address=address) for address in addresses]
        ses.clear_journal()
        return rows

    return have


def deleted(address, **cleanup):
    return {
        "message": "Email address deleted successfully",
        "cleanup": {"sesRuleUpdated": True, "emailAddress": address, "domain": "example.com"} | cleanup,
    }


def test_deleting_one_of_three_updates_the_rule_once(api, have, ses):
    a, b, _ = have(A, B, C)
    answer = api.delete(f"{URL}/{b.pk}")
    assert (answer.status_code, answer.json()) == (200, deleted(B))
    assert calls(ses) == ["UpdateReceiptRule"]
    assert recipients_sent(ses) == [{A, C}]
    assert rules(ses) == {RULE: {A, C}}
    assert not EmailAddress.objects.filter(pk=b.pk).exists()
    assert api.get(f"{URL}/{a.pk}").json()["receiptRuleName"] == RULE


def test_deleting_the_last_address_deletes_the_rule(api, have, ses):
    (a,) = have(A)
    answer = api.delete(f"{URL}/{a.pk}")
    assert (answer.status_code, answer.json()) == (200, deleted(A))
    assert calls(ses) == ["DeleteReceiptRule"]
    assert (rules(ses), identities(ses)) == ({}, {"example.com"})


def test_no_rule_is_ever_without_recipients(api, have, ses):
    for row in have(A, B, C):
        assert api.delete(f"{URL}/{row.pk}").json()["cleanup"]["sesRuleUpdated"] is True
    assert calls(ses) == ["UpdateReceiptRule", "UpdateReceiptRule", "DeleteReceiptRule"]
    assert recipients_sent(ses) == [{B, C}, {C}]


def test_deleting_the_last_active_address_deletes_the_rule(api, have, domain, ses):
    (a,) = have(A)
    EmailAddressFactory(domain=domain, address=B, is_active=False)
    assert api.delete(f"{URL}/{a.pk}").json() == deleted(A)
    assert calls(ses) == ["DeleteReceiptRule"]


def test_deleting_an_inactive_address_makes_no_call(api, have, domain, ses):
    have(A)
    off = EmailAddressFactory(domain=domain, address=B, is_active=False)
    assert api.delete(f"{URL}/{off.pk}").json() == deleted(B)
    assert calls(ses) == []
    assert rules(ses) == {RULE: {A}}


def test_with_a_catch_all_no_call_is_made(api, have, user, ses):
    a, _ = have(A, B)
    endpoint = EndpointFactory(owner=user)
    api.put(f"/api/v2/domains/{a.domain_id}", {"isCatchAllEnabled": True, "catchAllEndpointId": endpoint.pk})
    ses.clear_journal()
    assert api.delete(f"{URL}/{a.pk}").json() == deleted(A)
    assert calls(ses) == []
    assert rules(ses) == {CATCH_ALL: {"example.com"}}
    api.put(f"/api/v2/domains/{a.domain_id}", {"isCatchAllEnabled": False})
    assert rules(ses) == {RULE: {B}}


def test_other_domains_are_unchanged(api, have, user, ses):
    (a,) = have(A)
    EmailAddressFactory(domain=DomainFactory(owner=user, name="example.org"), address="a@example.org")
    api.delete(f"{URL}/{a.pk}")
    assert rules(ses) == {"inbound-example.org-rule": {"a@example.org"}}


def test_a_deleted_address_is_not_found_and_can_be_added_again(api, have, ses):
    a, _ = have(A, B)
    api.delete(f"{URL}/{a.pk}")
    ses.clear_journal()
    for method in (api.get, api.put, api.delete):
        answer = method(f"{URL}/{a.pk}")
        assert (answer.status_code, answer.json()) == (404, {"error": "Email address not found"})
    assert calls(ses) == []
    again = api.post(URL, {"address": A, "domainId": a.domain_id})
    assert again.status_code == 201
    assert again.json()["id"] != a.pk
    assert rules(ses) == {RULE: {A, B}}


def test_a_rule_that_is_already_gone_counts_as_deleted(api, have, ses):
    (a,) = have(A)
    ses.reset()
    assert api.delete(f"{URL}/{a.pk}").json() == deleted(A)


def test_a_rule_removed_by_hand_is_recreated_without_the_address(api, have, ses):
    a, _ = have(A, B)
    remove_rule(RULE)
    ses.clear_journal()
    assert api.delete(f"{URL}/{a.pk}").json() == deleted(A)
    assert calls(ses) == ["UpdateReceiptRule", "CreateReceiptRule"]
    assert rules(ses) == {RULE: {B}}


@pytest.mark.parametrize("fault", ["throttle", "access_denied", "fail", "lost", "dropped"])
@pytest.mark.parametrize(("addresses", "what", "left"), [([A, B], "update", {RULE: {B}}), ([A], "deletion", {})])
def test_the_row_is_deleted_even_if_ses_fails(api, have, ses, impatient, fault, addresses, what, left):
    a = have(*addresses)[0]
    fail_calls(ses, fault=fault)
    answer = api.delete(f"{URL}/{a.pk}")
    assert answer.status_code == 200
    warning = answer.json()["cleanup"].pop("warning")
    assert answer.json()["cleanup"].pop("sesRuleUpdated") is False
    assert warning.startswith(f"SES rule {what} failed: {CHANGE_PENDING}")
    # A call that may have been applied is confirmed once more. A refused one is not.
    assert ("An earlier call to AWS got no answer" in warning) == (fault in ("fail", "lost", "dropped"))
    assert not EmailAddress.objects.filter(pk=a.pk).exists()
    assert api.delete(f"{URL}/{a.pk}").status_code == 404
    recover_and_run_worker(ses)
    assert rules(ses) == left


def test_a_throttled_call_is_retried_within_the_budget(api, have, ses):
    a, _ = have(A, B)
    ses.add_faults({"service": "ses", "action": "UpdateReceiptRule", "fault": "throttle", "times": 2})
    assert api.delete(f"{URL}/{a.pk}").json() == deleted(A)
    assert calls(ses) == ["UpdateReceiptRule"] * 3


@pytest.mark.parametrize("missing", ["region", "credentials"])
@pytest.mark.parametrize("addresses", [[A, B], [A]], ids=["update", "deletion"])
def test_without_aws_configuration_nothing_is_confirmed(api, have, ses, request, impatient, missing, addresses):
    a = have(*addresses)[0]
    request.getfixturevalue(f"no_{missing}")
    answer = api.delete(f"{URL}/{a.pk}").json()
    assert answer == deleted(A, sesRuleUpdated=False, warning=NOT_CONFIGURED)
    assert calls(ses) == []
    assert not EmailAddress.objects.filter(pk=a.pk).exists()


def test_without_a_bucket_no_rule_is_updated(api, have, ses, settings, impatient):
    a, _ = have(A, B)
    settings.S3_BUCKET_NAME = ""
    assert api.delete(f"{URL}/{a.pk}").json() == deleted(A, sesRuleUpdated=False, warning=NOT_CONFIGURED)
    assert calls(ses) == []
    settings.S3_BUCKET_NAME = "inbound-mail"
    recover_and_run_worker(ses)
    assert rules(ses) == {RULE: {B}}


def test_a_rule_is_deleted_without_a_bucket(api, have, ses, settings):
    (a,) = have(A)
    settings.S3_BUCKET_NAME = ""
    assert api.delete(f"{URL}/{a.pk}").json() == deleted(A)
    assert calls(ses) == ["DeleteReceiptRule"]


def test_statements_do_not_grow_with_the_domains_addresses(api, have, domain, ses):
    statements = []
    for size in (1, 100):
        EmailAddress.objects.bulk_create(
            EmailAddress(domain=domain, address=f"s{size}n{n}@example.com", slot=size + n) for n in range(size)
        )
        (row,) = have(f"x{size}@example.com")
        with CaptureQueriesContext(connection) as captured:
            assert api.delete(f"{URL}/{row.pk}").json()["cleanup"]["sesRuleUpdated"] is True
        assert calls(ses) == ["UpdateReceiptRule"]
        statements.append(len(captured))
    assert statements[1] <= statements[0] < 70


def test_deleting_needs_the_delete_scope(client_for, user, have):
    (a,) = have(A)
    answer = client_for(user, Scope.READ, Scope.WRITE).delete(f"{URL}/{a.pk}")
    assert (answer.status_code, answer.json()) == (403, {"error": "This API key lacks the 'delete' scope."})
    assert EmailAddress.objects.exists()


@pytest.mark.parametrize(
    ("setting", "value"), [("SES_RULE_SET", "new-rules"), ("AWS_REGION", "eu-central-1")], ids=["rule set", "region"]
)
def test_rules_of_a_previous_rule_set_or_region_are_not_reported_as_updated(api, have, ses, settings, setting, value):
    """The other rule set has the address, and may still be the active one."""
    a, b = have(A, B)
    setattr(settings, setting, value)
    cleanup = api.delete(f"{URL}/{a.pk}").json()["cleanup"]
    assert cleanup["sesRuleUpdated"] is False
    assert cleanup["warning"].startswith("SES rule update failed: A previously configured region or rule set")
    switched_off = api.put(f"{URL}/{b.pk}", {"isActive": False}).json()
    assert "A previously configured region or rule set" in switched_off["warning"]
