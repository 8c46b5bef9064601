"""DELETE /domains/{id}, as its page promises it."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from addresses.models import BlockedEmail, EmailAddress
from domains.models import DnsRecord, Domain, DomainDeletion, StatusChange
from domains.verification.rows import record_of
from inbound.models import issue_key
from inbound.tests.promises.looking import in_order, taken
from inbound.tests.promises.promises import keeps
from inbound.tests.support.aws import (
    calls,
    fail_calls,
    identities,
    keep_new_identities_pending,
    recover_and_run_worker,
    rules,
    set_verification_status,
    store_mail,
    stored_keys,
)
from inbound.tests.support.factories import (
    BlockedEmailFactory,
    DomainFactory,
    EmailAddressFactory,
    MessageFactory,
    ReceivedEmailFactory,
    UserFactory,
)
from mail.tests.erasure.traces import tables_with
from mail.tests.postbox import work
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
    store_mail(f"{row.key_prefix}mail")
    ses.clear_journal()
    return row


@pytest.fixture
def deleted(api, domain):
    """What the deletion of it answered."""
    return api.delete(f"{DOMAINS}/{domain.pk}")


def rows_left():
    return [model.__name__ for model in (BlockedEmail, EmailAddress, DnsRecord, Domain) if model.objects.exists()]


@keeps("domain-everything-removed")
def test_everything_is_removed(deleted, ses):
    assert deleted.status_code == 200
    assert (rows_left(), rules(ses), identities(ses), stored_keys()) == ([], {}, set(), [])


@keeps("domain-answer")
def test_answer_lists_what_was_deleted(deleted):
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


@keeps("domain-bearer-token")
@pytest.mark.parametrize("authorization", [None, "Bearer YOUR_API_KEY", "Basic {}", "{}"])
def test_requires_bearer_token(user, domain, ses, authorization):
    _, key = issue_key(owner=user, name="test")
    client = APIClient(headers={"authorization": authorization.format(key)} if authorization else {})
    assert client.delete(f"{DOMAINS}/{domain.pk}").status_code == 401
    assert Domain.objects.filter(deleting_since=None).exists()
    assert calls(ses) == []


@keeps("domain-owner-only")
def test_only_the_owner_can_delete(api, client_for, domain, ses):
    for client, identifier in ((api, "indm_nothing"), (api, domain.name), (client_for(UserFactory()), domain.pk)):
        answer = client.delete(f"{DOMAINS}/{identifier}")
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
    assert calls(ses) == []
    assert api.delete(f"{DOMAINS}/{domain.pk}").status_code == 200


@keeps("domain-order")
def test_steps_run_in_documented_order(api, domain, ses):
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


@keeps("domain-rules-removed", "domain-mail-stops")
@pytest.mark.parametrize("catch_all", [False, True], ids=["individual", "catch-all"])
def test_all_rules_are_removed_and_mail_stops(api, domain, endpoint, ses, catch_all):
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


@keeps("domain-permanent")
def test_deletion_is_permanent(api, domain, deleted, ses):
    ses.clear_journal()
    for method, body in ((api.get, None), (api.put, {"isCatchAllEnabled": False}), (api.delete, None)):
        answer = method(f"{DOMAINS}/{domain.pk}", body)
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
    assert api.get(DOMAINS).json()["data"] == []
    recover_and_run_worker(ses)
    assert (rows_left(), calls(ses)) == ([], [])


@keeps("domain-despite-aws")
@pytest.mark.parametrize("fault", ["throttle", "access_denied", "fail", "lost"])
def test_rows_are_deleted_when_ses_fails(api, domain, ses, impatient, fault):
    fail_calls(ses, fault=fault)
    answer = api.delete(f"{DOMAINS}/{domain.pk}")
    assert answer.status_code == 200
    resources = answer.json()["deletedResources"]
    assert (resources["emailAddresses"], resources["sesReceiptRules"], resources["sesIdentity"]) == (2, False, False)
    assert answer.json()["warning"]
    assert rows_left() == []
    assert any(call.startswith("Delete") for call in calls(ses))


@keeps("domain-no-manual-cleanup")
def test_worker_finishes_what_ses_refused(api, domain, ses, impatient):
    fail_calls(ses)
    api.delete(f"{DOMAINS}/{domain.pk}")
    assert (len(rules(ses)), identities(ses)) == (1, {"example.com"})
    recover_and_run_worker(ses)
    assert (rules(ses), identities(ses), stored_keys()) == ({}, set(), [])


@keeps("domain-children-removed")
def test_child_rows_are_gone(api, domain):
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


@keeps("domain-emails-erased")
def test_received_emails_are_gone(api, domain):
    other = ReceivedEmailFactory(message=MessageFactory(domain=DomainFactory(owner=domain.owner)))
    email = ReceivedEmailFactory(message=MessageFactory(domain=domain, subject="zq7marker", text="zq7marker"))
    assert {row["id"] for row in api.get(f"{API}/mail").json()["emails"]} == {email.pk, other.pk}
    assert api.get(f"{API}/mail/stats").json()["received"] == 2
    assert tables_with("zq7marker") - {"pg_dump"} == {"mail_message"}
    api.delete(f"{DOMAINS}/{domain.pk}")
    assert [row["id"] for row in api.get(f"{API}/mail").json()["emails"]] == [other.pk]
    assert api.get(f"{API}/mail/stats").json()["received"] == 1
    assert {api.get(f"{API}/mail/{email.pk}{part}").status_code for part in ("", "/raw", "/attachments")} == {404}
    assert tables_with("zq7marker") == set()
    assert DomainDeletion.objects.get().erased_emails == 1


@keeps("domain-mail-erased")
def test_stored_mail_is_erased(api, domain, ses):
    store_mail("emails/sub.example.com/indm_other/mail")
    assert len(stored_keys()) == 2
    api.delete(f"{DOMAINS}/{domain.pk}")
    assert stored_keys() == ["emails/sub.example.com/indm_other/mail"]


@keeps("domain-identity-removed")
def test_identity_is_forgotten(api, domain, ses):
    assert identities(ses) == {"example.com"}
    assert LedgerIdentity.objects.get().verification_token
    set_verification_status(ses, "example.com", "Failed")
    assert api.get(f"{DOMAINS}/{domain.pk}?check=true").json()["status"] == "failed"
    assert StatusChange.objects.exists()
    api.delete(f"{DOMAINS}/{domain.pk}")
    assert not StatusChange.objects.exists()
    assert identities(ses) == set()
    assert not LedgerIdentity.objects.exists()
    assert not LedgerEntry.objects.exists()
    assert api.get(f"{DOMAINS}/{domain.pk}").status_code == 404


@keeps("domain-settings-forgotten")
def test_added_again_starts_with_default_settings(api, domain, endpoint, ses):
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
    assert (after["isCatchAllEnabled"], after["catchAllEndpoint"], after["domainProvider"]) == (
        False,
        None,
        "DNS Provider",
    )
    assert after["stats"]["totalEmailAddresses"] == 0
    assert Domain.objects.get().receive_dmarc_emails is False
    assert rules(ses) == {}


@keeps("domain-can-be-added-again")
def test_can_be_added_again_and_is_verified_again(api, domain, deleted, ses):
    keep_new_identities_pending(ses)
    again = api.post(DOMAINS, {"domain": "example.com"})
    assert (again.status_code, again.json()["status"]) == (201, "pending")
    pk = again.json()["id"]
    assert pk != domain.pk
    assert len(again.json()["dnsRecords"]) == DNS_RECORDS
    on = api.put(f"{DOMAINS}/{pk}", {"isCatchAllEnabled": True, "catchAllEndpointId": "any"})
    assert on.json() == {"error": "Domain must be verified before configuring catch-all"}
    set_verification_status(ses, "example.com", "Success")
    assert api.get(f"{DOMAINS}/{pk}?check=true").json()["status"] == "verified"


@keeps("domain-dns-untouched")
def test_dns_is_left_alone_and_leftovers_are_reported(api, domain, dns):
    told = [record_of(domain.name, row) for row in DnsRecord.objects.all()]
    dns.publish_records(told)
    pk = api.delete(f"{DOMAINS}/{domain.pk}").json()["deletionId"]
    # Not even asked.
    assert dns.asked == []
    left = api.get(f"{API}/deletions/{pk}").json()["dns"]["records"]
    assert {record["state"] for record in left} == {"published"}
    # DMARC is the owner's own policy, with or without us.
    assert len(left) == DNS_RECORDS - 1


@keeps("domain-redirect-first")
def test_mail_can_be_redirected_until_the_domain_is_deleted(api, user, postbox):
    config = {"forwardTo": "jo@elsewhere.example.net"}
    elsewhere = api.post(f"{API}/endpoints", {"name": "Elsewhere", "type": "email", "config": config}).json()["id"]
    hello = EmailAddress.objects.get(address="hello@example.com")
    assert api.put(f"{API}/email-addresses/{hello.pk}", {"endpointId": elsewhere}).status_code == 200
    postbox.deliver()
    work()
    assert [mail["to"] for mail in postbox.aws.outbox()] == [["jo@elsewhere.example.net"]]

    # What has arrived and is not sent yet goes nowhere any more.
    postbox.deliver()
    assert api.delete(f"{DOMAINS}/{postbox.domain.pk}").status_code == 200
    work()
    assert len(postbox.aws.outbox()) == 1


@keeps("domain-shared-access")
def test_it_is_gone_for_everyone_who_had_access(api, client_for, domain):
    jo, path = client_for(UserFactory(username="jo")), f"{DOMAINS}/{domain.pk}"
    api.post(f"{path}/shares", {"user": "jo", "role": "manager"})
    assert [jo.get(path).status_code, api.delete(path).status_code, jo.get(path).status_code] == [200, 200, 404]
    assert not any(jo.get(f"{API}/{rows}").json()["data"] for rows in ("domains", "email-addresses", "dns-records"))
