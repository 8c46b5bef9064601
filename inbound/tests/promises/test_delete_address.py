"""DELETE /email-addresses/{id}, as its page promises it."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from addresses.models import EmailAddress
from domains.models import Domain
from inbound.models import issue_key
from inbound.tests.promises.looking import in_order, taken
from inbound.tests.promises.promises import keeps
from inbound.tests.support.aws import calls, fail_calls, identities, recipients_sent, recover_and_run_worker, rules
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory, EndpointFactory, UserFactory
from mail.tests.postbox import work
from rest.row_counts.field import RowCount
from ses_integration.emulator.receiving.mailroom import MailboxUnavailable

API = "/api/v2"
DOMAINS, ADDRESSES = f"{API}/domains", f"{API}/email-addresses"
# The page's own request: DELETE /api/v2/email-addresses/email_addr_123
EXAMPLE = f"{ADDRESSES}/email_addr_123"
RULE = "inbound-example.com-rule"
HELLO, SUPPORT = "hello@example.com", "support@example.com"
NOT_FOUND = {"error": "Email address not found"}


@pytest.fixture
def domain(user, ses):
    return DomainFactory(owner=user, name="example.com")


@pytest.fixture
def hello(domain, endpoint, ses):
    """The page's example, alone on its domain."""
    row = EmailAddressFactory(id="email_addr_123", domain=domain, address=HELLO, endpoint=endpoint)
    ses.clear_journal()
    return row


@pytest.fixture
def support(hello, domain, ses):
    """Another one on the same domain."""
    row = EmailAddressFactory(domain=domain, address=SUPPORT)
    ses.clear_journal()
    return row


@keeps("address-removed-from-rule", "address-answer")
def test_rule_is_updated_without_the_address(api, hello, support, ses):
    answer = api.delete(EXAMPLE)
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "message": "Email address deleted successfully",
            "cleanup": {"sesRuleUpdated": True, "emailAddress": "hello@example.com", "domain": "example.com"},
        },
    )
    assert rules(ses) == {RULE: {SUPPORT}}


@keeps("address-last-removes-rule", "address-answer")
def test_last_address_removes_the_rule(api, domain, ses):
    last = EmailAddressFactory(domain=domain, address="last@example.com")
    assert set(rules(ses)) == {RULE}
    answer = api.delete(f"{ADDRESSES}/{last.pk}")
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "message": "Email address deleted successfully",
            "cleanup": {"sesRuleUpdated": True, "emailAddress": "last@example.com", "domain": "example.com"},
        },
    )
    assert rules(ses) == {}


@keeps("address-warning")
def test_missing_aws_configuration_is_reported(api, hello, ses, no_region, impatient):
    assert api.delete(EXAMPLE).json() == {
        "message": "Email address deleted successfully",
        "cleanup": {
            "sesRuleUpdated": False,
            "emailAddress": "hello@example.com",
            "domain": "example.com",
            "warning": "AWS configuration incomplete. SES rules may need manual cleanup.",
        },
    }


@keeps("address-warning", "address-despite-aws", "address-no-manual-cleanup")
def test_row_is_deleted_when_ses_fails_and_worker_finishes(api, hello, support, ses, impatient):
    fail_calls(ses, fault="access_denied")
    cleanup = api.delete(EXAMPLE).json()["cleanup"]
    assert cleanup["sesRuleUpdated"] is False
    assert cleanup["warning"].startswith("SES rule update failed: ")
    assert not EmailAddress.objects.filter(address=HELLO).exists()
    assert rules(ses) == {RULE: {HELLO, SUPPORT}}
    recover_and_run_worker(ses)
    assert rules(ses) == {RULE: {SUPPORT}}


@keeps("address-confirmed")
def test_confirmed_means_nothing_left_to_do(api, hello, support, ses):
    assert api.delete(EXAMPLE).json()["cleanup"]["sesRuleUpdated"] is True
    held = rules(ses)
    assert held == {RULE: {SUPPORT}}
    ses.clear_journal()
    recover_and_run_worker(ses)
    assert (calls(ses), rules(ses)) == ([], held)


@keeps("address-bearer-token")
@pytest.mark.parametrize("authorization", [None, "Bearer YOUR_API_KEY", "Basic {}", "{}"])
def test_requires_bearer_token(user, hello, ses, authorization):
    _, key = issue_key(owner=user, name="test")
    client = APIClient(headers={"authorization": authorization.format(key)} if authorization else {})
    assert client.delete(EXAMPLE).status_code == 401
    assert EmailAddress.objects.exists()
    assert calls(ses) == []


@keeps("address-owner-only")
def test_only_the_owner_can_delete(api, client_for, hello, ses):
    for client, path in (
        (api, f"{ADDRESSES}/email_addr_124"),
        (api, f"{ADDRESSES}/{HELLO}"),
        (client_for(UserFactory()), EXAMPLE),
    ):
        answer = client.delete(path)
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
    assert calls(ses) == []
    assert api.delete(EXAMPLE).status_code == 200


@keeps("address-order")
def test_row_is_deleted_before_ses_is_updated(api, hello, support, ses):
    with in_order(ses) as events:
        api.delete(EXAMPLE)
    assert events == ["EmailAddress", "UpdateReceiptRule"]


@keeps("address-active-others")
def test_only_active_addresses_keep_the_rule(api, hello, support, ses):
    assert api.put(f"{ADDRESSES}/{support.pk}", {"isActive": False}).status_code == 200
    ses.clear_journal()
    api.delete(EXAMPLE)
    assert (calls(ses), rules(ses)) == (["DeleteReceiptRule"], {})
    api.put(f"{ADDRESSES}/{support.pk}", {"isActive": True})
    assert rules(ses) == {RULE: {SUPPORT}}


@keeps("address-others-unaffected")
def test_other_addresses_keep_receiving(api, hello, support, ses):
    before = api.get(f"{ADDRESSES}/{support.pk}").json()
    ses.clear_journal()
    api.delete(EXAMPLE)
    # One update in place: at no moment was there no rule, or one without them.
    assert calls(ses) == ["UpdateReceiptRule"]
    assert recipients_sent(ses) == [{SUPPORT}]
    assert taken(ses, SUPPORT)
    assert api.get(f"{ADDRESSES}/{support.pk}").json() == before


@keeps("address-mail-stops")
def test_mail_is_refused_after_deletion(api, hello, support, ses):
    assert rules(ses) == {RULE: {HELLO, SUPPORT}}
    assert taken(ses, HELLO)
    api.delete(EXAMPLE)
    assert not taken(ses, HELLO)


@keeps("address-catch-all-stays")
def test_catch_all_keeps_receiving(api, hello, endpoint, ses):
    on = {"isCatchAllEnabled": True, "catchAllEndpointId": endpoint.pk}
    assert api.put(f"{DOMAINS}/{hello.domain_id}", on).status_code == 200
    ses.clear_journal()
    assert api.delete(EXAMPLE).json()["cleanup"]["sesRuleUpdated"] is True
    assert calls(ses) == []
    assert taken(ses, "anybody@example.com")


@keeps("address-domain-unaffected")
def test_domain_is_unchanged(api, hello, support, ses):
    path = f"{DOMAINS}/{hello.domain_id}"
    # Without the counts of its rows, which `stats` shows.
    columns = [field.name for field in Domain._meta.fields if not isinstance(field, RowCount)]
    before, row = api.get(path).json(), Domain.objects.values(*columns).get()
    api.delete(EXAMPLE)
    assert (identities(ses), list(rules(ses))) == ({"example.com"}, [RULE])
    assert Domain.objects.values(*columns).get() == row
    after = api.get(path).json()
    assert (before.pop("stats")["totalEmailAddresses"], after.pop("stats")["totalEmailAddresses"]) == (2, 1)
    assert after == before


@keeps("address-permanent")
def test_deletion_is_permanent(api, hello, ses):
    api.delete(EXAMPLE)
    ses.clear_journal()
    for method, body in ((api.get, None), (api.put, {"isActive": True}), (api.delete, None)):
        answer = method(EXAMPLE, body)
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
    recover_and_run_worker(ses)
    assert not EmailAddress.objects.exists()
    assert calls(ses) == []


@keeps("address-can-be-created-again")
def test_can_be_created_again(api, hello, support, ses):
    assert api.get(EXAMPLE).json()["endpointId"]
    api.delete(EXAMPLE)
    again = api.post(ADDRESSES, {"address": HELLO, "domainId": support.domain_id})
    assert again.status_code == 201
    assert again.json()["id"] != hello.pk
    # New: what the old one was set to is forgotten.
    assert again.json()["endpointId"] is None
    assert rules(ses) == {RULE: {HELLO, SUPPORT}}


@keeps("address-before")
def test_suggested_calls_before_deletion_work(api, hello, support, user, ses):
    shown = api.get(EXAMPLE).json()
    assert (shown["address"], shown["isReceiptRuleConfigured"], shown["receiptRuleName"]) == (HELLO, True, RULE)
    other = EndpointFactory(owner=user)
    assert api.put(EXAMPLE, {"endpointId": other.pk}).status_code == 200
    assert api.get(EXAMPLE).json()["routing"]["id"] == other.pk
    EmailAddressFactory(domain=DomainFactory(owner=user), address="a@elsewhere.example.org")
    listed = api.get(f"{ADDRESSES}?domainId={hello.domain_id}").json()["data"]
    assert {row["address"] for row in listed} == {HELLO, SUPPORT}


@keeps("address-after")
def test_only_remaining_addresses_are_listed(api, hello, support):
    api.delete(EXAMPLE)
    answer = api.get(ADDRESSES).json()
    assert [row["address"] for row in answer["data"]] == [SUPPORT]
    assert answer["pagination"]["total"] == 1


@keeps("address-forwarding")
def test_mail_follows_the_route_of_its_address_until_it_is_deleted(api, user, postbox):
    forward = EndpointFactory(owner=user, type="email", config={"forwardTo": "jo@elsewhere.example.net"})
    hello = EmailAddress.objects.get(address=HELLO)
    assert api.put(f"{ADDRESSES}/{hello.pk}", {"endpointId": forward.pk}).status_code == 200
    postbox.deliver()
    work()
    assert [(mail["from"], mail["to"]) for mail in postbox.aws.outbox()] == [(HELLO, ["jo@elsewhere.example.net"])]

    assert api.delete(f"{ADDRESSES}/{hello.pk}").json()["cleanup"]["sesRuleUpdated"] is True
    with pytest.raises(MailboxUnavailable):
        postbox.deliver()
