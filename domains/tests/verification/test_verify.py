"""PATCH /domains/{id}/auth"""

from __future__ import annotations

import pytest

from domains.models import DnsRecord, Domain
from domains.verification.rows import record_of
from inbound.tests.support.aws import fail_calls, set_verification_status
from ses_integration.aws import clients

pytestmark = pytest.mark.sqlite

URL = "/api/v2/domains"


def auth(domain):
    return f"{URL}/{domain.pk}/auth"


def publish_all(dns, domain):
    dns.publish_records(record_of(domain.name, row) for row in domain.dns_records.all())


def test_checking_tells_what_is_published(api, added, ses, dns):
    publish_all(dns, added)
    dns.withdraw("_dmarc.example.com")
    dns.publish("mail.example.com", "MX", "10 mx.example.net.")
    answer = api.patch(auth(added))
    assert answer.status_code == 200
    body = answer.json()
    assert (body["overallStatus"], body["success"], body["domain"]) == ("pending", True, "example.com")
    assert body["summary"] == {
        "totalRecords": 9,
        "verifiedRecords": 7,
        "requiredRecords": 5,
        "verifiedRequiredRecords": 5,
    }
    assert body["message"] == (
        "Domain authentication in progress. 7/9 DNS records verified, 5/5 required records verified."
    )
    by_name = {(record["type"], record["name"]): record for record in body["dnsRecords"]}
    mx = by_name["MX", "example.com"]
    assert (mx["isVerified"], mx["status"], "error" in mx) == (True, "verified", False)
    assert mx["lastChecked"]
    wrong = by_name["MX", "mail.example.com"]
    assert (wrong["isVerified"], wrong["status"], wrong["isRequired"]) == (False, "failed", False)
    assert "mx.example.net" in wrong["error"]
    missing = by_name["TXT", "_dmarc.example.com"]
    assert (missing["status"], missing["error"]) == (
        "pending",
        "No DMARC record was found at _dmarc.example.com: publish it.",
    )
    assert body["sesStatus"]["identityStatus"] == "Pending"
    assert body["nextSteps"] == [
        "Wait for SES identity verification (can take up to 72 hours)",
        "Wait for DKIM verification (requires CNAME records)",
        "Wait for MAIL FROM domain verification (requires MX record)",
    ]


def test_optional_records_do_not_keep_a_domain_from_being_verified(api, added, ses, dns):
    publish_all(dns, added)
    for name in ("_dmarc.example.com", "mail.example.com"):
        dns.withdraw(name)
    dns.publish("example.com", "TXT", "v=spf1 include:_spf.example.net -all")
    set_verification_status(ses, "example.com", "Success")
    body = api.patch(auth(added)).json()
    assert body["overallStatus"] == "verified"
    assert (
        body["message"] == "Domain authentication fully verified! You can now send emails with enhanced deliverability."
    )
    assert "nextSteps" not in body
    assert Domain.objects.get().status == "verified"


def test_a_missing_required_record_is_a_next_step(api, added, ses, dns):
    set_verification_status(ses, "example.com", "Success")
    publish_all(dns, added)
    dns.withdraw("example.com", "MX")
    body = api.patch(auth(added)).json()
    assert body["overallStatus"] == "pending"
    assert body["nextSteps"] == ["Add 1 missing required DNS record(s): MX example.com"]
    assert Domain.objects.get().can_receive_emails is False


def test_trouble_with_dns_takes_nothing_away(api, added, ses, dns):
    publish_all(dns, added)
    set_verification_status(ses, "example.com", "Success")
    api.patch(auth(added))
    dns.answers(".", "SERVFAIL")
    for row in DnsRecord.objects.all():
        dns.answers(row.name, "SERVFAIL")
    body = api.patch(auth(added)).json()
    assert body["overallStatus"] == "verified"
    assert all(record["isVerified"] and record["error"] for record in body["dnsRecords"])
    assert Domain.objects.get().can_receive_emails is True


def test_a_domain_without_records_is_refused(api, added, ses):
    """SES has not created the identity, so nothing can be checked."""
    DnsRecord.objects.all().delete()
    fail_calls(ses)
    answer = api.patch(auth(added))
    assert answer.status_code == 400
    assert answer.json() == {"error": "No DNS records found for domain. Please run POST /domains/{id}/auth first."}


def test_dkim_records_are_required_even_if_the_ownership_record_is_enough_for_ses(api, added, ses, dns):
    publish_all(dns, added)
    for row in added.dns_records.filter(record_type="CNAME"):
        dns.withdraw(row.name)
        dns.publish(row.name, "CNAME", "park.example.net")
    set_verification_status(ses, "example.com", "Success")
    body = api.patch(auth(added)).json()
    assert body["overallStatus"] == "pending"
    assert body["nextSteps"][0].startswith("Add 3 missing required DNS record(s): CNAME ")
    check = api.get(f"{URL}/{added.pk}?check=true").json()
    assert (check["status"], check["canReceiveEmails"]) == ("verified", True)
    assert check["verificationCheck"]["isFullyVerified"] is False


def test_the_ownership_record_is_not_needed_next_to_dkim(api, added, ses, dns):
    publish_all(dns, added)
    dns.withdraw("_amazonses.example.com")
    set_verification_status(ses, "example.com", "Success")
    assert api.patch(auth(added)).json()["overallStatus"] == "verified"


def test_an_error_of_ses_takes_nothing_away(api, added, ses, dns):
    publish_all(dns, added)
    set_verification_status(ses, "example.com", "Success")
    api.patch(auth(added))
    fail_calls(ses)
    body = api.patch(auth(added)).json()
    assert (body["overallStatus"], body["sesStatus"]["identityStatus"]) == ("verified", "Error")


def test_a_mail_from_domain_that_receives_mail_is_told_and_its_records_are_not(api, added, ses, dns):
    assert api.post(URL, {"domain": "own.example.com"}).status_code == 201
    clients.ses("eu-west-1").set_identity_mail_from_domain(Identity="example.com", MailFromDomain="own.example.com")
    body = api.patch(auth(added)).json()
    assert body["sesStatus"]["mailFromError"].startswith(
        "SES uses own.example.com as MAIL FROM domain of example.com, but"
    )
    listed = api.get(f"{URL}/{added.pk}/dns-records").json()["records"]
    assert not any(record["name"] == "own.example.com" for record in listed)
    assert "mailFromError" in api.get(f"{URL}/{added.pk}?check=true").json()["verificationCheck"]
