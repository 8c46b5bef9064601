"""SES's identities, as documented: v1 and v2 share them."""

from __future__ import annotations

from typing import Any

import pytest

from ses_integration.emulator.server import Emulator
from ses_integration.tests.emulator.clients import control, refusal

DOMAIN = "example.com"


def test_a_new_domain_comes_with_three_dkim_tokens(sesv2: Any) -> None:
    """SES API v2 Reference, CreateEmailIdentity: DkimAttributes holds the tokens for the three CNAME records."""
    created = sesv2.create_email_identity(EmailIdentity=DOMAIN)
    assert created["IdentityType"] == "DOMAIN"
    assert created["VerifiedForSendingStatus"] is True
    assert created["DkimAttributes"]["SigningHostedZone"] == "dkim.amazonses.com"
    assert len(set(created["DkimAttributes"]["Tokens"])) == 3


def test_a_domain_is_created_once(sesv2: Any) -> None:
    """SES API v2 Reference, CreateEmailIdentity: AlreadyExistsException, 400; names have no case."""
    sesv2.create_email_identity(EmailIdentity=DOMAIN, Tags=[{"Key": "inbound", "Value": "first"}])
    answer = refusal(sesv2.create_email_identity, EmailIdentity="Example.COM")
    assert (answer.code, answer.status) == ("AlreadyExistsException", 400)
    assert sesv2.get_email_identity(EmailIdentity=DOMAIN)["Tags"] == [{"Key": "inbound", "Value": "first"}]


def test_v2_refuses_what_v1_registered(ses: Any, sesv2: Any) -> None:
    """SES API v2 Reference, CreateEmailIdentity: the identity exists, whichever API made it."""
    ses.verify_domain_identity(Domain=DOMAIN)
    assert refusal(sesv2.create_email_identity, EmailIdentity=DOMAIN).code == "AlreadyExistsException"


def test_get_shows_tags_tokens_and_status(sesv2: Any) -> None:
    """SES API v2 Reference, GetEmailIdentity: a MAIL FROM block is always there."""
    tags = [{"Key": "inbound", "Value": "one"}]
    created = sesv2.create_email_identity(EmailIdentity=DOMAIN, Tags=tags)
    shown = sesv2.get_email_identity(EmailIdentity=DOMAIN)
    assert shown["Tags"] == tags
    assert shown["DkimAttributes"]["Tokens"] == created["DkimAttributes"]["Tokens"]
    assert shown["VerificationStatus"] == "SUCCESS"
    assert shown["MailFromAttributes"] == {"BehaviorOnMxFailure": "USE_DEFAULT_VALUE"}


@pytest.mark.parametrize("operation", ["get_email_identity", "delete_email_identity"])
def test_v2_does_not_find_an_unknown_identity(sesv2: Any, operation: str) -> None:
    """SES API v2 Reference, GetEmailIdentity and DeleteEmailIdentity: NotFoundException, 404."""
    answer = refusal(getattr(sesv2, operation), EmailIdentity=DOMAIN)
    assert (answer.code, answer.status) == ("NotFoundException", 404)


def test_v2_deletes_an_identity_once(ses: Any, sesv2: Any) -> None:
    """SES API v2 Reference, DeleteEmailIdentity: the second time there is none."""
    sesv2.create_email_identity(EmailIdentity=DOMAIN)
    sesv2.delete_email_identity(EmailIdentity="EXAMPLE.com")
    assert ses.list_identities()["Identities"] == []
    assert refusal(sesv2.delete_email_identity, EmailIdentity=DOMAIN).code == "NotFoundException"


def test_v1_deletes_an_identity_repeatedly(ses: Any, sesv2: Any) -> None:
    """SES API Reference, DeleteIdentity: no error for an unknown identity, nor for an address of a known domain."""
    sesv2.create_email_identity(EmailIdentity=DOMAIN)
    ses.delete_identity(Identity="user@example.com")
    assert ses.list_identities()["Identities"] == [DOMAIN]
    ses.delete_identity(Identity="Example.COM")
    ses.delete_identity(Identity=DOMAIN)
    assert ses.list_identities()["Identities"] == []


def test_deleting_an_identity_leaves_the_rules(rules: Any, sesv2: Any) -> None:
    """SES API Reference, DeleteIdentity: it removes the identity; receipt rules live in the rule set."""
    sesv2.create_email_identity(EmailIdentity=DOMAIN)
    rules.create_receipt_rule(RuleSetName="set", Rule={"Name": "a", "Recipients": [DOMAIN]})
    sesv2.delete_email_identity(EmailIdentity=DOMAIN)
    assert rules.describe_receipt_rule(RuleSetName="set", RuleName="a")["Rule"]["Recipients"] == [DOMAIN]


def test_v1_registers_a_domain_and_repeats_its_token(ses: Any) -> None:
    """SES API Reference, VerifyDomainIdentity: adds the domain. GetIdentityVerificationAttributes: same token."""
    token = ses.verify_domain_identity(Domain="Example.com")["VerificationToken"]
    assert ses.verify_domain_identity(Domain=DOMAIN)["VerificationToken"] == token
    attributes = ses.get_identity_verification_attributes(Identities=[DOMAIN])["VerificationAttributes"]
    assert attributes == {DOMAIN: {"VerificationStatus": "Success", "VerificationToken": token}}


def test_tokens_differ_between_domains(ses: Any) -> None:
    """SES API Reference, VerifyDomainIdentity: the token belongs to the domain."""
    tokens = {ses.verify_domain_identity(Domain=name)["VerificationToken"] for name in ("example.com", "example.org")}
    assert len(tokens) == 2


def test_v1_and_v2_give_the_same_dkim_tokens(ses: Any, sesv2: Any) -> None:
    """SES API Reference, VerifyDomainDkim: three tokens, the same ones again."""
    created = sesv2.create_email_identity(EmailIdentity=DOMAIN)["DkimAttributes"]["Tokens"]
    assert ses.verify_domain_dkim(Domain=DOMAIN)["DkimTokens"] == created
    attributes = ses.get_identity_dkim_attributes(Identities=[DOMAIN])["DkimAttributes"]
    assert attributes == {
        DOMAIN: {"DkimEnabled": True, "DkimVerificationStatus": "Success", "DkimTokens": created}
    }  # fmt: skip


def test_unknown_identities_are_absent_from_the_attributes(ses: Any) -> None:
    """SES API Reference, GetIdentityVerificationAttributes: and the two similar operations."""
    ses.verify_domain_identity(Domain=DOMAIN)
    asked = {"Identities": [DOMAIN, "example.org"]}
    assert list(ses.get_identity_verification_attributes(**asked)["VerificationAttributes"]) == [DOMAIN]
    assert list(ses.get_identity_dkim_attributes(**asked)["DkimAttributes"]) == [DOMAIN]
    assert list(ses.get_identity_mail_from_domain_attributes(**asked)["MailFromDomainAttributes"]) == [DOMAIN]


def test_attributes_of_at_most_100_identities_can_be_requested(ses: Any) -> None:
    """SES API Reference, GetIdentityVerificationAttributes: up to 100 identities at a time."""
    names = [f"d{number}.example.com" for number in range(101)]
    assert ses.get_identity_verification_attributes(Identities=names[:100])["VerificationAttributes"] == {}
    assert refusal(ses.get_identity_verification_attributes, Identities=names).code == "ValidationError"


def test_a_mail_from_domain_is_a_subdomain_of_a_known_identity(ses: Any, sesv2: Any) -> None:
    """SES API Reference, SetIdentityMailFromDomain: a subdomain of the verified identity."""
    set_mail_from = ses.set_identity_mail_from_domain
    unknown = refusal(set_mail_from, Identity=DOMAIN, MailFromDomain="mail.example.com")
    assert unknown.code == "InvalidParameterValue"
    sesv2.create_email_identity(EmailIdentity=DOMAIN)
    for foreign in ("example.com", "mail.example.org", "notexample.com"):
        assert refusal(set_mail_from, Identity=DOMAIN, MailFromDomain=foreign).code == "InvalidParameterValue"
    set_mail_from(Identity="Example.com", MailFromDomain="mail.example.com", BehaviorOnMXFailure="RejectMessage")
    attributes = ses.get_identity_mail_from_domain_attributes(Identities=[DOMAIN])["MailFromDomainAttributes"]
    assert attributes[DOMAIN] == {
        "MailFromDomain": "mail.example.com",
        "MailFromDomainStatus": "Success",
        "BehaviorOnMXFailure": "RejectMessage",
    }
    assert sesv2.get_email_identity(EmailIdentity=DOMAIN)["MailFromAttributes"] == {
        "MailFromDomain": "mail.example.com",
        "MailFromDomainStatus": "SUCCESS",
        "BehaviorOnMxFailure": "REJECT_MESSAGE",
    }


def test_a_mail_from_domain_can_be_removed(ses: Any, sesv2: Any) -> None:
    """SES API Reference, SetIdentityMailFromDomain: without a domain the custom setting is disabled."""
    sesv2.create_email_identity(EmailIdentity=DOMAIN)
    ses.set_identity_mail_from_domain(Identity=DOMAIN, MailFromDomain="mail.example.com")
    ses.set_identity_mail_from_domain(Identity=DOMAIN)
    assert "MailFromDomain" not in sesv2.get_email_identity(EmailIdentity=DOMAIN)["MailFromAttributes"]


def test_v2_sets_the_mail_from_domain_and_refuses_an_unknown_identity(sesv2: Any) -> None:
    """SES API v2 Reference, PutEmailIdentityMailFromAttributes: an unknown identity is BadRequestException."""
    put = sesv2.put_email_identity_mail_from_attributes
    answer = refusal(put, EmailIdentity=DOMAIN, MailFromDomain="mail.example.com")
    assert (answer.code, answer.status) == ("BadRequestException", 400)
    sesv2.create_email_identity(EmailIdentity=DOMAIN)
    put(EmailIdentity=DOMAIN, MailFromDomain="mail.example.com")
    shown = sesv2.get_email_identity(EmailIdentity=DOMAIN)["MailFromAttributes"]
    assert shown["MailFromDomain"] == "mail.example.com"


def test_lists_come_in_pages(ses: Any, sesv2: Any) -> None:
    """SES API v2 Reference, ListEmailIdentities, and v1's ListIdentities: NextToken leads to what is left."""
    expected = [f"d{number}.example.com" for number in range(5)]
    for name in expected:
        sesv2.create_email_identity(EmailIdentity=name)
    seen = []
    page = sesv2.list_email_identities(PageSize=2)
    while True:
        assert len(page["EmailIdentities"]) <= 2
        seen += [identity["IdentityName"] for identity in page["EmailIdentities"]]
        if "NextToken" not in page:
            break
        page = sesv2.list_email_identities(PageSize=2, NextToken=page["NextToken"])
    assert seen == expected
    pages = list(ses.get_paginator("list_identities").paginate(PaginationConfig={"PageSize": 2}))
    assert [name for page in pages for name in page["Identities"]] == expected
    assert len(pages) == 3


def test_a_page_has_at_most_1000_identities(sesv2: Any) -> None:
    """SES API v2 Reference, ListEmailIdentities: PageSize can be no more than 1000."""
    assert refusal(sesv2.list_email_identities, PageSize=1001).code == "BadRequestException"


def test_an_invalid_name_is_refused(ses: Any, sesv2: Any) -> None:
    """SES API v2 Reference, CreateEmailIdentity: BadRequestException. v1 says InvalidParameterValue."""
    assert refusal(sesv2.create_email_identity, EmailIdentity="not a domain").code == "BadRequestException"
    assert refusal(ses.verify_domain_identity, Domain="not a domain").code == "InvalidParameterValue"


def test_new_identities_can_start_pending(emulator: Emulator, ses: Any, sesv2: Any) -> None:
    """Amazon SES Developer Guide, "Creating and verifying identities": pending until the DNS records are found.

    SES API v2 Reference, CreateEmailIdentity: DKIM is not even started in its answer, and pending right after.
    """
    assert control(emulator.url, "POST", "/_identities", {"verify_new": False})[0] == 200
    created = sesv2.create_email_identity(EmailIdentity=DOMAIN)
    assert (created["VerifiedForSendingStatus"], created["DkimAttributes"]["Status"]) == (False, "NOT_STARTED")
    ses.set_identity_mail_from_domain(Identity=DOMAIN, MailFromDomain="mail.example.com")
    shown = sesv2.get_email_identity(EmailIdentity=DOMAIN)
    assert shown["VerificationStatus"] == "PENDING"
    assert shown["DkimAttributes"]["Status"] == "PENDING"
    assert shown["MailFromAttributes"]["MailFromDomainStatus"] == "PENDING"


@pytest.mark.parametrize(
    ("status", "in_v2"),
    [("Success", "SUCCESS"), ("Pending", "PENDING"), ("Failed", "FAILED"),
     ("TemporaryFailure", "TEMPORARY_FAILURE"), ("NotStarted", "NOT_STARTED")],
)  # fmt: skip
def test_an_identity_can_be_given_any_status(emulator: Emulator, ses: Any, sesv2: Any, status: str, in_v2: str) -> None:
    """SES API Reference, IdentityVerificationAttributes: the five statuses, in v2 in upper snake case."""
    sesv2.create_email_identity(EmailIdentity=DOMAIN)
    assert control(emulator.url, "POST", "/_identities", {"identity": "Example.com", "status": status})[0] == 200
    attributes = ses.get_identity_verification_attributes(Identities=[DOMAIN])["VerificationAttributes"]
    assert attributes[DOMAIN]["VerificationStatus"] == status
    shown = sesv2.get_email_identity(EmailIdentity=DOMAIN)
    assert (shown["VerificationStatus"], shown["VerifiedForSendingStatus"]) == (in_v2, status == "Success")


@pytest.mark.parametrize(
    "body",
    [None, [], {}, {"verify_new": "no"}, {"identity": DOMAIN}, {"identity": DOMAIN, "status": "Great"},
     {"identity": "unknown.example.com", "status": "Success"}, {"surprise": 1}],
)  # fmt: skip
def test_an_invalid_request_about_identities_is_refused(emulator: Emulator, sesv2: Any, body: object) -> None:
    """The emulator's own: a mistake in a test must not go unnoticed."""
    sesv2.create_email_identity(EmailIdentity=DOMAIN)
    status, answer = control(emulator.url, "POST", "/_identities", body)
    assert status == 400
    assert answer["error"]
    assert sesv2.get_email_identity(EmailIdentity=DOMAIN)["VerificationStatus"] == "SUCCESS"
