"""The emulator's DNS: records appear with one call, are served, and verify identities."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from ses_integration.emulator.server import Emulator
from ses_integration.tests.emulator.clients import client, control

DOMAIN = "example.com"
MX = {"type": "MX", "name": DOMAIN, "value": "10 inbound-smtp.eu-west-1.amazonaws.com"}
SPF = {"type": "TXT", "name": DOMAIN, "value": f"v=spf1 {'ip4:192.0.2.1 ' * 40}include:amazonses.com ~all"}


@pytest.fixture
def aws() -> Iterator[Emulator]:
    """An emulator that serves DNS, and verifies identities by their records."""
    emulator = Emulator(dns_port=0, verify_new=False)
    emulator.start()
    yield emulator
    emulator.reset()
    emulator.stop()


@pytest.fixture
def publish(aws):
    def publish(*records: tuple[str, str, str]) -> None:
        body = [{"type": type, "name": name, "value": value} for type, name, value in records]
        assert control(aws.url, "POST", "/_dns", body)[0] == 200

    return publish


@pytest.fixture
def ses(aws) -> Any:
    return client("ses", aws.url)


def asked(aws: Emulator, type: str, over: Any = dns.query.udp) -> list[str]:
    """What the DNS server answers about the domain."""
    host, _, port = aws.dns_address.partition(":")
    query = dns.message.make_query(DOMAIN, type, use_edns=True, payload=1232)
    answer = over(query, host, port=int(port), timeout=30).answer
    return [value.to_text() for rrset in answer for value in rrset]


def statuses(ses: Any) -> tuple[str, str, str]:
    """Of the identity, its DKIM and its MAIL FROM."""
    ask = {"Identities": [DOMAIN]}
    return (
        ses.get_identity_verification_attributes(**ask)["VerificationAttributes"][DOMAIN]["VerificationStatus"],
        ses.get_identity_dkim_attributes(**ask)["DkimAttributes"][DOMAIN]["DkimVerificationStatus"],
        ses.get_identity_mail_from_domain_attributes(**ask)["MailFromDomainAttributes"][DOMAIN].get(
            "MailFromDomainStatus", ""
        ),
    )


@pytest.mark.parametrize(
    "body",
    [
        [MX, SPF],
        {"domain": DOMAIN, "dnsRecords": [MX | {"description": "Inbound", "isRequired": True}, SPF]},
        {"domain": DOMAIN, "records": [{"recordType": r["type"], "name": r["name"], "value": r["value"]} for r in (MX, SPF)]},
    ],
    ids=["a list", "the answer to POST /domains", "the answer to GET /domains/{id}/dns-records"],
)  # fmt: skip
def test_records_appear_with_one_call(aws, body):
    assert control(aws.url, "POST", "/_dns", body) == (200, [MX, SPF])
    assert control(aws.url, "POST", "/_dns", body) == (200, [MX, SPF]), "twice the same"
    assert control(aws.url, "GET", "/_dns") == (200, [MX, SPF])
    assert asked(aws, "MX") == [f"{MX['value']}."]
    assert len(asked(aws, "TXT", dns.query.tcp)) == 1


def test_a_record_is_added_beside_others_of_its_name(aws):
    other = MX | {"value": "20 mx.example.net"}
    assert control(aws.url, "POST", "/_dns", MX)[0] == 200
    assert control(aws.url, "POST", "/_dns", other) == (200, [MX, other])
    assert len(asked(aws, "MX")) == 2


def test_what_nobody_has_published_does_not_exist(aws):
    host, _, port = aws.dns_address.partition(":")
    answer = dns.query.udp(dns.message.make_query(DOMAIN, "MX"), host, port=int(port), timeout=30)
    assert answer.rcode() == dns.rcode.NXDOMAIN


def test_records_are_removed_by_name_type_or_altogether(aws):
    sub, other = MX | {"name": f"mail.{DOMAIN}"}, MX | {"name": "example.net"}
    control(aws.url, "POST", "/_dns", [MX, SPF, sub, other])
    left = control(aws.url, "DELETE", "/_dns", {"name": DOMAIN, "type": "TXT"})[1]
    assert left == [MX, sub, other]
    assert control(aws.url, "DELETE", "/_dns", {"name": DOMAIN}) == (200, [other])
    assert control(aws.url, "DELETE", "/_dns") == (200, [])


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("POST", None),
        ("POST", "MX"),
        ("POST", {"records": "MX"}),
        ("POST", [["MX"]]),
        ("POST", MX | {"type": "A", "value": "192.0.2.1"}),
        ("POST", MX | {"value": "inbound-smtp.eu-west-1.amazonaws.com"}),
        ("POST", MX | {"value": 10}),
        ("POST", MX | {"name": "a..example.com"}),
        ("POST", MX | {"name": f"{'a' * 64}.example.com"}),
        ("DELETE", {"type": "MX"}),
        ("DELETE", {"name": DOMAIN, "type": "A"}),
        ("DELETE", {"name": "a..example.com"}),
        ("DELETE", [DOMAIN]),
    ],
)
def test_a_body_that_is_no_record_is_refused_with_a_sentence(aws, method, body):
    status, answer = control(aws.url, method, "/_dns", body)
    assert (status, list(answer)) == (400, ["error"])


def test_the_token_in_dns_verifies_a_domain(ses, publish):
    token = ses.verify_domain_identity(Domain=DOMAIN)["VerificationToken"]
    assert statuses(ses) == ("Pending", "NotStarted", "")
    publish(("TXT", f"_amazonses.{DOMAIN}", "another"))
    assert statuses(ses) == ("Pending", "NotStarted", "")
    publish(("TXT", f"_amazonses.{DOMAIN}", token))
    assert statuses(ses) == ("Success", "NotStarted", "")


def test_all_dkim_names_in_dns_verify_a_domain(ses, publish):
    tokens = ses.verify_domain_dkim(Domain=DOMAIN)["DkimTokens"]
    records = [("CNAME", f"{token}._domainkey.{DOMAIN}", f"{token}.dkim.amazonses.com") for token in tokens]
    publish(*records[:2])
    assert statuses(ses) == ("Pending", "Pending", "")
    publish(*records)
    assert statuses(ses) == ("Success", "Success", "")


def test_the_mx_of_mail_from_is_looked_up_on_its_own(ses, publish):
    ses.verify_domain_identity(Domain=DOMAIN)
    ses.set_identity_mail_from_domain(Identity=DOMAIN, MailFromDomain=f"mail.{DOMAIN}")
    publish(("MX", f"mail.{DOMAIN}", "10 feedback-smtp.us-east-1.amazonses.com"))
    assert statuses(ses) == ("Pending", "NotStarted", "Pending")
    publish(("MX", f"mail.{DOMAIN}", "10 feedback-smtp.eu-west-1.amazonses.com"))
    assert statuses(ses) == ("Pending", "NotStarted", "Pending"), "SES requires exactly one"


def test_mail_from_is_verified_by_its_only_mx(ses, publish):
    ses.verify_domain_identity(Domain=DOMAIN)
    ses.set_identity_mail_from_domain(Identity=DOMAIN, MailFromDomain=f"mail.{DOMAIN}")
    publish(("MX", f"mail.{DOMAIN}", "10 FEEDBACK-SMTP.eu-west-1.amazonses.com."))
    assert statuses(ses) == ("Pending", "NotStarted", "Success")


def test_a_status_that_was_set_stays_whatever_is_in_dns(aws, ses, publish):
    token = ses.verify_domain_identity(Domain=DOMAIN)["VerificationToken"]
    publish(("TXT", f"_amazonses.{DOMAIN}", token))
    for status in ("Pending", "Failed", "TemporaryFailure"):
        control(aws.url, "POST", "/_identities", {"identity": DOMAIN, "status": status})
        assert statuses(ses)[0] == status


def test_a_reset_keeps_the_records(aws, ses, publish):
    token = ses.verify_domain_identity(Domain=DOMAIN)["VerificationToken"]
    publish(("TXT", f"_amazonses.{DOMAIN}", token))
    control(aws.url, "POST", "/_reset")
    ses.verify_domain_identity(Domain=DOMAIN)
    assert statuses(ses)[0] == "Success"


def test_without_a_port_no_dns_is_served():
    emulator = Emulator()
    emulator.start()
    assert emulator.dns_address == ""
    emulator.stop()
