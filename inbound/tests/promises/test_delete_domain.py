"""DELETE /domains/{id}, as its page promises it."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from addresses.models import BlockedEmail, EmailAddress
from domains.dns.records import Record
from domains.models import DnsRecord, Domain, DomainDeletion
from inbound.models import issue_key
from inbound.tests.factories import BlockedEmailFactory, EmailAddressFactory, UserFactory
from inbound.tests.promises.looking import in_order, taken
from inbound.tests.seen import (
    calls,
    found_in_dns,
    identities,
    nothing_published,
    out_of_order,
    rules,
    store,
    stored,
    work_off,
)
from ses_integration.models import LedgerEntry, LedgerIdentity

API = "/api/v2"
DOMAINS = f"{API}/domains"
NOT_FOUND = {"error": "Domain not found"}
# The documented six, and three for DKIM.
DNS_RECORDS = 9


@pytest.fixture
def domain(api, ses, endpoint):
    """`example.com`, added through the API, with two addresses, a blocked one, and stored mail."""
    pk = api.post(DOMAINS, {"domain": "example.com"}).json()["id"]
    row = Domain.objects.get(pk=pk)
    for local in ("hello", "support"):
        EmailAddressFactory(domain=row, address=f"{local}@example.com", endpoint=endpoint)
    BlockedEmailFactory(domain=row)
    store(f"{row.key_prefix}mail")
    ses.clear_journal()
    return row


@pytest.fixture
def deleted(api, domain):
    """What the deletion of it answered."""
    return api.delete(f"{DOMAINS}/{domain.pk}")


def rows_left():
    return [model.__name__ for model in (BlockedEmail, EmailAddress, DnsRecord, Domain) if model.objects.exists()]


def test_all_of_it_goes(deleted, ses):
    """This endpoint permanently deletes a domain and all associated resources.

    This includes email addresses, DNS records, blocked emails, AWS SES receipt rules, and the SES identity.

    All emails and configuration associated with this domain will be permanently deleted.

    All data is permanently removed from the database.

    All emails, addresses, and configuration will be lost.

    When you delete a domain, the following resources are permanently removed

    AWS SES resources are cleaned up and billing should stop
    """
    assert deleted.status_code == 200
    assert (rows_left(), rules(ses), identities(ses), stored()) == ([], {}, set(), [])


def test_the_answer_says_what_went(deleted):
    """Whether the deletion was successful.

    Success message describing what was deleted.

    Summary of all resources that were deleted.
    """
    body = deleted.json()
    assert body.pop("deletionId") == DomainDeletion.objects.get().pk
    assert body == {
        "success": True,
        "message": "Successfully deleted domain example.com and all associated resources",
        "deletedResources": {
            "domain": "example.com",
            "emailAddresses": 2,
            "dnsRecords": DNS_RECORDS,
            "blockedEmails": 1,
            "sesIdentity": True,
            "sesReceiptRules": True,
        },
    }


@pytest.mark.parametrize("authorization", [None, "Bearer YOUR_API_KEY", "Basic {}", "{}"])
def test_without_a_bearer_token_nothing_is_done(user, domain, ses, authorization):
    """Bearer token for API authentication."""
    _, key = issue_key(owner=user, name="test")
    client = APIClient(headers={"authorization": authorization.format(key)} if authorization else {})
    assert client.delete(f"{DOMAINS}/{domain.pk}").status_code == 401
    assert Domain.objects.filter(deleting_since=None).exists()
    assert calls(ses) == []


def test_it_must_be_there_and_the_callers_own(api, client_for, domain, ses):
    """The unique identifier of the domain to delete.

    Verify that the domain exists and belongs to the authenticated user.
    """
    for client, identifier in ((api, "indm_nothing"), (api, domain.name), (client_for(UserFactory()), domain.pk)):
        answer = client.delete(f"{DOMAINS}/{identifier}")
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
    assert calls(ses) == []
    assert api.delete(f"{DOMAINS}/{domain.pk}").status_code == 200


def test_the_steps_are_taken_in_the_documented_order(api, domain, ses):
    """The domain deletion process follows these steps

    Delete all associated records in the following order: Blocked emails, Email addresses, DNS records, Domain record

    Remove the domain identity from AWS SES to complete the AWS cleanup.
    """
    with in_order(ses) as events:
        api.delete(f"{DOMAINS}/{domain.pk}")
    assert events == [
        "DeleteReceiptRule",
        "DeleteEmailIdentity",
        "BlockedEmail",
        "EmailAddress",
        "DnsRecord",
        "Domain",
    ]


@pytest.mark.parametrize("catch_all", [False, True], ids=["individual", "catch-all"])
def test_both_kinds_of_rules_go_and_nothing_is_received_any_more(api, domain, endpoint, ses, catch_all):
    """Delete both catch-all and individual email receipt rules from AWS SES.

    All receipt rules (catch-all and individual email rules)

    This prevents any new emails from being processed for this domain.

    This step is irreversible and will immediately stop email receiving for the domain.

    All email receiving for the domain stops immediately
    """
    if catch_all:
        on = {"isCatchAllEnabled": True, "catchAllEndpointId": endpoint.pk}
        assert api.put(f"{DOMAINS}/{domain.pk}", on).status_code == 200
    kind = "catchall-rule" if catch_all else "rule"
    assert set(rules(ses)) == {f"inbound-example.com-{kind}"}
    mail = ("hello@example.com", "example.com")
    assert [taken(ses, address) for address in mail] == [True, catch_all]
    assert api.delete(f"{DOMAINS}/{domain.pk}").json()["deletedResources"]["sesReceiptRules"] is True
    # By the time of the answer.
    assert rules(ses) == {}
    assert not any(taken(ses, address) for address in mail)


def test_it_cannot_be_undone(api, domain, deleted, ses):
    """This action is irreversible.

    Domain deletion is permanent and cannot be undone.
    """
    ses.clear_journal()
    for method, body in ((api.get, None), (api.put, {"isCatchAllEnabled": False}), (api.delete, None)):
        answer = method(f"{DOMAINS}/{domain.pk}", body)
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
    assert api.get(DOMAINS).json()["data"] == []
    work_off(ses)
    assert (rows_left(), calls(ses)) == ([], [])


@pytest.mark.parametrize("fault", ["throttle", "access_denied", "fail", "lost"])
def test_a_failing_ses_keeps_no_row(api, domain, ses, impatient, fault):
    """If AWS SES operations fail, the domain will still be deleted from the database.

    AWS SES cleanup is attempted but may not always succeed (this doesn't prevent domain deletion)
    """
    out_of_order(ses, fault=fault)
    answer = api.delete(f"{DOMAINS}/{domain.pk}")
    assert answer.status_code == 200
    resources = answer.json()["deletedResources"]
    assert (resources["emailAddresses"], resources["sesReceiptRules"], resources["sesIdentity"]) == (2, False, False)
    assert answer.json()["warning"]
    assert rows_left() == []
    assert any(call.startswith("Delete") for call in calls(ses))


def test_what_was_left_in_aws_needs_nobodys_hands(api, domain, ses, impatient):
    """You may need to manually clean up AWS resources if needed."""
    out_of_order(ses)
    api.delete(f"{DOMAINS}/{domain.pk}")
    assert (len(rules(ses)), identities(ses)) == (1, {"example.com"})
    work_off(ses)
    assert (rules(ses), identities(ses), stored()) == ({}, set(), [])


def test_addresses_blocked_ones_and_records_are_found_no_more(api, domain):
    """All email addresses configured for the domain

    All blocked email entries for the domain

    All DNS records required for domain verification
    """
    lists = [f"{API}/{kind}?domainId={domain.pk}" for kind in ("email-addresses", "blocked-emails", "dns-records")]
    before = [api.get(path).json()["data"] for path in lists]
    assert [len(found) for found in before] == [2, 1, DNS_RECORDS]
    single = [
        f"{path.partition('?')[0]}/{row['id']}" for path, found in zip(lists, before, strict=True) for row in found
    ]
    assert {api.get(path).status_code for path in single} == {200}
    api.delete(f"{DOMAINS}/{domain.pk}")
    assert [api.get(path).json()["data"] for path in lists] == [[], [], []]
    assert {api.get(path).status_code for path in single} == {404}


def test_its_mail_goes_and_nobody_elses(api, domain, ses):
    """All received emails stored for the domain"""
    store("emails/sub.example.com/indm_other/mail")
    assert len(stored()) == 2
    api.delete(f"{DOMAINS}/{domain.pk}")
    assert stored() == ["emails/sub.example.com/indm_other/mail"]


def test_nothing_is_known_of_its_identity_any_more(api, domain, ses):
    """Domain identity in AWS SES

    SES verification tokens and status

    Verification status and history

    Domain verification status
    """
    assert identities(ses) == {"example.com"}
    assert LedgerIdentity.objects.get().verification_token
    assert api.get(f"{DOMAINS}/{domain.pk}").json()["status"] == "verified"
    api.delete(f"{DOMAINS}/{domain.pk}")
    assert identities(ses) == set()
    assert not LedgerIdentity.objects.exists()
    assert not LedgerEntry.objects.exists()
    assert api.get(f"{DOMAINS}/{domain.pk}").status_code == 404


def test_a_new_life_knows_nothing_of_the_old_one(api, domain, endpoint, ses):
    """Catch-all configuration

    Provider detection information

    All timestamps and metadata

    The domain can be re-added later, but all configuration will need to be set up again
    """
    api.put(f"{DOMAINS}/{domain.pk}", {"isCatchAllEnabled": True, "catchAllEndpointId": endpoint.pk})
    Domain.objects.update(dns_provider="Cloudflare", provider_confidence="high", receive_dmarc_emails=True)
    before = api.get(f"{DOMAINS}/{domain.pk}").json()
    api.delete(f"{DOMAINS}/{domain.pk}")
    pk = api.post(DOMAINS, {"domain": "example.com"}).json()["id"]
    after = api.get(f"{DOMAINS}/{pk}").json()
    forgotten = (
        *("id", "createdAt", "updatedAt", "isCatchAllEnabled", "catchAllEndpointId", "catchAllEndpoint"),
        *("domainProvider", "providerConfidence"),
    )
    assert [key for key in forgotten if before[key] == after[key]] == []
    assert (after["isCatchAllEnabled"], after["catchAllEndpoint"], after["domainProvider"]) == (False, None, None)
    assert after["stats"]["totalEmailAddresses"] == 0
    assert Domain.objects.get().receive_dmarc_emails is False
    assert rules(ses) == {}


def test_it_can_be_added_again_and_is_verified_again(api, domain, deleted, ses):
    """The domain can be re-added as a new domain (it will go through verification again)"""
    nothing_published(ses)
    again = api.post(DOMAINS, {"domain": "example.com"})
    assert (again.status_code, again.json()["status"]) == (201, "pending")
    pk = again.json()["id"]
    assert pk != domain.pk
    assert len(again.json()["dnsRecords"]) == DNS_RECORDS
    on = api.put(f"{DOMAINS}/{pk}", {"isCatchAllEnabled": True, "catchAllEndpointId": "any"})
    assert on.json() == {"error": "Domain must be verified before configuring catch-all"}
    found_in_dns(ses, "example.com", "Success")
    assert api.get(f"{DOMAINS}/{pk}?check=true").json()["status"] == "verified"


def test_dns_is_left_alone_and_what_is_still_there_is_told(api, domain, dns):
    """DNS records in your DNS provider remain (you may want to remove them manually)

    DNS records in your DNS provider are not automatically removed
    """
    told = [Record(row.record_type, row.name, row.value, "") for row in DnsRecord.objects.all()]
    dns.publish_records(told)
    pk = api.delete(f"{DOMAINS}/{domain.pk}").json()["deletionId"]
    # Not even asked.
    assert dns.asked == []
    left = api.get(f"{API}/deletions/{pk}").json()["dns"]["records"]
    assert {record["state"] for record in left} == {"published"}
    # DMARC is the owner's own policy, with or without us.
    assert len(left) == DNS_RECORDS - 1
