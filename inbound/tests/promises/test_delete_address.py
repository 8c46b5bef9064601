"""DELETE /email-addresses/{id}, as its page promises it."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from addresses.models import EmailAddress
from domains.models import Domain
from inbound.models import issue_key
from inbound.tests.factories import DomainFactory, EmailAddressFactory, EndpointFactory, UserFactory
from inbound.tests.promises.looking import in_order, taken
from inbound.tests.seen import calls, identities, out_of_order, rules, work_off, written

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


def test_one_of_several_is_taken_out_of_the_rule(api, hello, support, ses):
    """This endpoint permanently deletes an email address and automatically updates AWS SES receipt rules.

    If other email addresses exist on the same domain, the SES rules are updated to exclude the deleted address.

    If other addresses exist: Update rule to exclude deleted address

    The SES receipt rule is updated to remove the deleted address

    SES receipt rules are updated to exclude this address

    Update AWS SES receipt rules based on remaining email addresses

    Email address deletion affects AWS SES receipt rules automatically

    Response (SES Rule Updated)

    Success message confirming the deletion.

    Details about the cleanup operations performed.
    """
    answer = api.delete(EXAMPLE)
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "message": "Email address deleted successfully",
            "cleanup": {"sesRuleUpdated": True, "emailAddress": "hello@example.com", "domain": "example.com"},
        },
    )
    assert rules(ses) == {RULE: {SUPPORT}}


def test_the_last_one_takes_the_rule_along(api, domain, ses):
    """If no other addresses exist, the entire SES rule is removed.

    If no addresses remain: Remove the entire SES rule for the domain

    The entire SES receipt rule for the domain is removed

    Individual email routing for that domain stops completely

    Response (SES Rule Removed)
    """
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


def test_without_aws_it_says_so_in_the_documented_words(api, hello, ses, no_region, impatient):
    """Response (With Warning)

    sesRuleUpdated: false with warning message

    Common causes: AWS configuration issues, permissions problems
    """
    assert api.delete(EXAMPLE).json() == {
        "message": "Email address deleted successfully",
        "cleanup": {
            "sesRuleUpdated": False,
            "emailAddress": "hello@example.com",
            "domain": "example.com",
            "warning": "AWS configuration incomplete. SES rules may need manual cleanup.",
        },
    }


def test_without_permission_it_says_so_and_the_worker_needs_nobodys_hands(api, hello, support, ses, impatient):
    """If you encounter SES cleanup warnings, the email address is still deleted from the database, but you may need to
    manually clean up AWS SES rules.

    Email address still deleted from database

    Manual SES rule cleanup may be required
    """
    out_of_order(ses, fault="access_denied")
    cleanup = api.delete(EXAMPLE).json()["cleanup"]
    assert cleanup["sesRuleUpdated"] is False
    assert cleanup["warning"].startswith("SES rule update failed: ")
    assert not EmailAddress.objects.filter(address=HELLO).exists()
    assert rules(ses) == {RULE: {HELLO, SUPPORT}}
    work_off(ses)
    assert rules(ses) == {RULE: {SUPPORT}}


def test_true_means_that_nothing_is_left_to_do(api, hello, support, ses):
    """sesRuleUpdated: true indicates successful AWS SES cleanup

    No manual intervention required

    The deletion process handles SES integration automatically
    """
    assert api.delete(EXAMPLE).json()["cleanup"]["sesRuleUpdated"] is True
    held = rules(ses)
    assert held == {RULE: {SUPPORT}}
    ses.clear_journal()
    work_off(ses)
    assert (calls(ses), rules(ses)) == ([], held)


@pytest.mark.parametrize("authorization", [None, "Bearer YOUR_API_KEY", "Basic {}", "{}"])
def test_without_a_bearer_token_nothing_is_done(user, hello, ses, authorization):
    """Bearer token for API authentication."""
    _, key = issue_key(owner=user, name="test")
    client = APIClient(headers={"authorization": authorization.format(key)} if authorization else {})
    assert client.delete(EXAMPLE).status_code == 401
    assert EmailAddress.objects.exists()
    assert calls(ses) == []


def test_it_must_be_there_and_the_callers_own(api, client_for, hello, ses):
    """The unique identifier of the email address to delete.

    Verify that the email address exists and belongs to the authenticated user.

    Error Responses
    """
    for client, path in (
        (api, f"{ADDRESSES}/email_addr_124"),
        (api, f"{ADDRESSES}/{HELLO}"),
        (client_for(UserFactory()), EXAMPLE),
    ):
        answer = client.delete(path)
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
    assert calls(ses) == []
    assert api.delete(EXAMPLE).status_code == 200


def test_the_row_goes_first_and_then_the_rule_follows(api, hello, support, ses):
    """The email address deletion follows these steps

    Remove the email address record from the database.
    """
    with in_order(ses) as events:
        api.delete(EXAMPLE)
    assert events == ["EmailAddress", "UpdateReceiptRule"]


def test_only_the_other_active_ones_count(api, hello, support, ses):
    """Identify other active email addresses on the same domain to determine SES rule updates needed.

    This ensures proper SES rule management for remaining email addresses.

    This ensures proper email routing for remaining addresses and cleanup when none remain.
    """
    assert api.put(f"{ADDRESSES}/{support.pk}", {"isActive": False}).status_code == 200
    ses.clear_journal()
    api.delete(EXAMPLE)
    assert (calls(ses), rules(ses)) == (["DeleteReceiptRule"], {})
    api.put(f"{ADDRESSES}/{support.pk}", {"isActive": True})
    assert rules(ses) == {RULE: {SUPPORT}}


def test_the_others_are_received_all_the_while(api, hello, support, ses):
    """Other email addresses continue to function normally

    Other email addresses on the domain continue to function normally

    Other email addresses on the same domain continue to function

    SES rule management ensures no interruption to other email addresses on the domain

    Email routing is properly updated for remaining addresses

    Email address deletion automatically manages AWS SES receipt rules to ensure proper email routing for remaining
    addresses.
    """
    before = api.get(f"{ADDRESSES}/{support.pk}").json()
    ses.clear_journal()
    api.delete(EXAMPLE)
    # One update in place: at no moment was there no rule, or one without them.
    assert calls(ses) == ["UpdateReceiptRule"]
    assert written(ses) == [{SUPPORT}]
    assert taken(ses, SUPPORT)
    assert api.get(f"{ADDRESSES}/{support.pk}").json() == before


def test_mail_for_it_is_taken_before_and_not_after(api, hello, support, ses):
    """SES receipt rules include this address in their configuration

    Emails to the deleted address are no longer received
    """
    assert rules(ses) == {RULE: {HELLO, SUPPORT}}
    assert taken(ses, HELLO)
    api.delete(EXAMPLE)
    assert not taken(ses, HELLO)


def test_a_catch_all_goes_on_receiving(api, hello, endpoint, ses):
    """The domain can still receive catch-all emails if configured"""
    on = {"isCatchAllEnabled": True, "catchAllEndpointId": endpoint.pk}
    assert api.put(f"{DOMAINS}/{hello.domain_id}", on).status_code == 200
    ses.clear_journal()
    assert api.delete(EXAMPLE).json()["cleanup"]["sesRuleUpdated"] is True
    assert calls(ses) == []
    assert taken(ses, "anybody@example.com")


def test_the_domain_is_as_it_was(api, hello, support, ses):
    """The domain's SES configuration remains intact

    The domain itself remains unaffected by individual email address deletion

    Check domain status: GET /api/v2/domains/{domainId}
    """
    path = f"{DOMAINS}/{hello.domain_id}"
    before, row = api.get(path).json(), Domain.objects.values().get()
    api.delete(EXAMPLE)
    assert (identities(ses), list(rules(ses))) == ({"example.com"}, [RULE])
    assert Domain.objects.values().get() == row
    after = api.get(path).json()
    assert (before.pop("stats")["totalEmailAddresses"], after.pop("stats")["totalEmailAddresses"]) == (2, 1)
    assert after == before


def test_it_cannot_be_recovered(api, hello, ses):
    """This action is irreversible.

    Deleting an email address is permanent.

    The email address and its configuration will be permanently deleted.

    This step is irreversible - the email address configuration is permanently lost.
    """
    api.delete(EXAMPLE)
    ses.clear_journal()
    for method, body in ((api.get, None), (api.put, {"isActive": True}), (api.delete, None)):
        answer = method(EXAMPLE, body)
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
    work_off(ses)
    assert not EmailAddress.objects.exists()
    assert calls(ses) == []


def test_it_can_be_made_anew(api, hello, support, ses):
    """The address cannot be recovered, though it can be recreated as a new address.

    Deleted email addresses can be recreated with the same address

    Recreate the address: POST /api/v2/email-addresses
    """
    assert api.get(EXAMPLE).json()["endpointId"]
    api.delete(EXAMPLE)
    again = api.post(ADDRESSES, {"address": HELLO, "domainId": support.domain_id})
    assert again.status_code == 201
    assert again.json()["id"] != hello.pk
    # New: what the old one was set to is forgotten.
    assert again.json()["endpointId"] is None
    assert rules(ses) == {RULE: {HELLO, SUPPORT}}


def test_what_the_page_says_to_do_before_works(api, hello, support, user, ses):
    """Check current configuration: GET /api/v2/email-addresses/{id}

    Update routing temporarily: PUT /api/v2/email-addresses/{id}

    List other addresses on domain: GET /api/v2/email-addresses?domainId={domainId}
    """
    shown = api.get(EXAMPLE).json()
    assert (shown["address"], shown["isReceiptRuleConfigured"], shown["receiptRuleName"]) == (HELLO, True, RULE)
    other = EndpointFactory(owner=user)
    assert api.put(EXAMPLE, {"endpointId": other.pk}).status_code == 200
    assert api.get(EXAMPLE).json()["routing"]["id"] == other.pk
    EmailAddressFactory(domain=DomainFactory(owner=user), address="a@elsewhere.example.org")
    listed = api.get(f"{ADDRESSES}?domainId={hello.domain_id}").json()["data"]
    assert {row["address"] for row in listed} == {HELLO, SUPPORT}


def test_only_the_remaining_ones_are_listed(api, hello, support):
    """Review remaining addresses: GET /api/v2/email-addresses"""
    api.delete(EXAMPLE)
    answer = api.get(ADDRESSES).json()
    assert [row["address"] for row in answer["data"]] == [SUPPORT]
    assert answer["pagination"]["total"] == 1
