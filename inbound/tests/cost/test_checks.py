"""The cost of checking a page of domains."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from domains.dns.records import records_for
from domains.models import DnsRecord, Domain
from domains.tests.dns_server import dns_fixture  # noqa: F401
from inbound.tests.support.aws import calls

pytestmark = pytest.mark.postgresql

URL = "/api/v2/domains?check=true"
MOST_STATEMENTS = 19
CALLS = ["GetIdentityVerificationAttributes", "GetIdentityMailFromDomainAttributes"]


@pytest.fixture
def hundred(user, ses):
    """100 domains with nine records each. SES has none of them."""
    domains = Domain.objects.bulk_create(Domain(owner=user, name=f"d{number}.example.com") for number in range(100))
    tokens = {"token": "token", "dkim_tokens": ("a", "b", "c")}
    DnsRecord.objects.bulk_create(
        DnsRecord(domain=domain, record_type=record.type, name=record.name, value=record.value)
        for domain in domains
        for record in records_for(domain.name, region="eu-west-1", mail_from=f"mail.{domain.name}", **tokens)
    )


def checked(api, limit):
    with CaptureQueriesContext(connection) as statements:
        rows = api.get(f"{URL}&limit={limit}").json()["data"]
    return rows, len(statements)


def test_a_page_of_100_costs_two_calls_and_hardly_more_statements_than_two_domains(api, hundred, ses, settings, dns):
    settings.DNS_TIMEOUT_SECONDS = 30
    for row in DnsRecord.objects.filter(domain__name__lt="d5"):
        dns.publish(row.name, row.record_type, row.value)
    api.get("/api/v2/domains")  # records the use of the key
    _, few = checked(api, 2)
    assert calls(ses) == CALLS
    ses.clear_journal()
    rows, many = checked(api, 100)
    assert calls(ses) == CALLS
    assert len(rows) == 100
    # One more than for some pages, because some of the domains change and others do not.
    assert max(few, many) <= MOST_STATEMENTS
    assert {len(row["verificationCheck"]["dnsRecords"]) for row in rows} == {9}
    assert DnsRecord.objects.filter(last_checked=None).count() == 0
    assert DnsRecord.objects.filter(state="verified").count() > 400


def test_a_page_of_100_ends_within_the_time_limit_if_every_resolver_hangs(api, hundred, settings, dns):
    settings.DNS_TIMEOUT_SECONDS = 0.3
    dns.silent()

    def ask():
        try:
            return api.get(f"{URL}&limit=100").json()["data"]
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as client:
        # 900 questions, one after the other, would take minutes.
        rows = client.submit(ask).result(timeout=20)
    records = [record for row in rows for record in row["verificationCheck"]["dnsRecords"]]
    assert len(records) == 900
    assert {record["isVerified"] for record in records} == {False}
    assert all("DNS" in record["error"] for record in records)
    assert not Domain.objects.exclude(last_dns_check=None).exists()
