"""GET /domains"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import boto3
import pytest
from django.utils import timezone

from domains.models import Domain
from inbound.models import ApiKey
from inbound.tests.support.aws import calls, fail_calls, keep_new_identities_pending, set_verification_status
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory, EndpointFactory, UserFactory
from ses_integration.watch.sweeper import SesSweeper

pytestmark = pytest.mark.sqlite

URL = "/api/v2/domains"


@pytest.fixture
def many(user):
    """100 domains, with an endpoint and records each, without SES."""
    endpoints = [EndpointFactory(owner=user) for _ in range(3)]
    Domain.objects.bulk_create(
        Domain(owner=user, name=f"d{n}.example.com", is_catch_all_enabled=True, catch_all_endpoint=endpoints[n % 3])
        for n in range(100)
    )


def test_a_row_has_every_field_of_the_contract(api, domain, user):
    endpoint = EndpointFactory(owner=user, name="Hook")
    EmailAddressFactory(domain=domain)
    EmailAddressFactory(domain=domain, is_active=False)
    Domain.objects.update(is_catch_all_enabled=True, catch_all_endpoint=endpoint)
    answer = api.get(URL)
    assert answer.status_code == 200
    (row,) = answer.json()["data"]
    for moment in ("createdAt", "updatedAt", "lastSesCheck", "nextCheck"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row.pop(moment))
    assert row == {
        "id": domain.pk,
        "domain": "example.com",
        "status": "verified",
        "canReceiveEmails": True,
        "hasMxRecords": False,
        "domainProvider": None,
        "providerConfidence": None,
        "lastDnsCheck": None,
        "isCatchAllEnabled": True,
        "catchAllEndpointId": endpoint.pk,
        "mailFromDomain": "mail.example.com",
        "mailFromDomainStatus": "Pending",
        "mailFromDomainVerifiedAt": None,
        "receiveDmarcEmails": False,
        "userId": str(user.pk),
        "statusReason": None,
        "receivingWarning": None,
        "stats": {"totalEmailAddresses": 2, "activeEmailAddresses": 1, "hasCatchAll": True},
        "catchAllEndpoint": {"id": endpoint.pk, "name": "Hook", "type": "webhook", "isActive": True},
    }
    assert answer.json()["pagination"] == {"limit": 50, "offset": 0, "total": 1, "hasMore": False}
    assert answer.json()["meta"] == {
        "totalCount": 1,
        "verifiedCount": 1,
        "withCatchAllCount": 1,
        "statusBreakdown": {"verified": 1, "pending": 0, "failed": 0},
    }


def test_other_users_domains_and_deleted_ones_are_not_listed(api, client_for, domain, user):
    DomainFactory(name="example.org")
    DomainFactory(owner=user, name="going.example.com", deleting_since=timezone.now())
    assert [row["domain"] for row in api.get(URL).json()["data"]] == ["example.com"]
    answer = client_for(UserFactory()).get(URL).json()
    assert (answer["data"], answer["meta"]["totalCount"]) == ([], 0)


def test_pages_are_disjoint_and_newest_first(api, many):
    now = timezone.now()
    for n, row in enumerate(Domain.objects.order_by("name")):
        Domain.objects.filter(pk=row.pk).update(created_at=now - timedelta(minutes=n // 2))
    seen = []
    for offset in range(0, 100, 30):
        page = api.get(URL, {"limit": 30, "offset": offset}).json()
        assert page["pagination"] == {"limit": 30, "offset": offset, "total": 100, "hasMore": offset < 70}
        seen += [(row["createdAt"], row["id"]) for row in page["data"]]
    # Rows with equal times have a stable order, so that none is shown twice or missed.
    assert len(set(seen)) == 100
    assert [moment for moment, _ in seen] == sorted((moment for moment, _ in seen), reverse=True)


def test_a_page_has_at_most_100_rows(api, many):
    page = api.get(URL, {"limit": 1000}).json()
    assert (page["pagination"]["limit"], len(page["data"])) == (100, 100)


FILTERS = [
    ({"status": "verified"}, {"a.com"}),
    ({"status": "pending"}, {"b.com", "c.com"}),
    ({"status": "failed"}, set()),
    ({"status": ""}, {"a.com", "b.com", "c.com"}),
    ({"canReceive": "true"}, {"a.com", "b.com"}),
    ({"canReceive": "false"}, {"c.com"}),
    ({"canReceive": "true", "status": "pending"}, {"b.com"}),
    ({"status": "verified", "offset": "1"}, set()),
]


def test_filters_apply_to_the_page_and_to_the_counts(api, user, subtests):
    Domain.objects.bulk_create(
        [
            Domain(owner=user, name="a.com", status="verified"),
            Domain(owner=user, name="b.com"),
            Domain(owner=user, name="c.com", can_receive_emails=False),
        ]
    )
    for query, names in FILTERS:
        with subtests.test(query=query):
            answer = api.get(URL, query).json()
            assert {row["domain"] for row in answer["data"]} == names
            if "offset" not in query:
                assert answer["meta"]["totalCount"] == answer["pagination"]["total"] == len(names)
                assert sum(answer["meta"]["statusBreakdown"].values()) == len(names)


NO_LIMITS = ["0", "-1", "abc", "1e3", "10abc", "٣", "1_0", "9" * 30, "1.5", " 5", "\x00"]


def test_an_invalid_limit_is_refused(api, subtests):
    for limit in NO_LIMITS:
        with subtests.test(limit=limit):
            answer = api.get(URL, {"limit": limit})
            assert (answer.status_code, answer.json()) == (400, {"error": "Limit must be between 1 and 100"})


NO_OFFSETS = ["-1", "x", "9" * 20, "\x00"]


def test_an_invalid_offset_is_refused(api, subtests):
    for offset in NO_OFFSETS:
        with subtests.test(offset=offset):
            answer = api.get(URL, {"offset": offset})
            assert (answer.status_code, answer.json()) == (400, {"error": "Offset must be non-negative"})


def test_statements_do_not_grow_with_the_page(api, many, django_assert_num_queries):
    api.get(URL)  # records the use of the key
    for limit in (1, 100):
        with django_assert_num_queries(5):  # key, counts, page, identities, rules of others
            assert len(api.get(URL, {"limit": limit}).json()["data"]) == limit


def test_the_use_of_the_key_is_recorded_once_a_minute(api, domain, django_assert_num_queries):
    ApiKey.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    with django_assert_num_queries(6):
        api.get(URL)
    with django_assert_num_queries(5):
        api.get(URL)


def test_checking_a_page_makes_two_calls(api, ses, user):
    keep_new_identities_pending(ses)
    for name in ("a.com", "b.com", "c.com"):
        assert api.post(URL, {"domain": name}).json()["status"] == "pending"
    ses.clear_journal()
    set_verification_status(ses, "a.com", "Success")
    set_verification_status(ses, "b.com", "Failed")
    answer = api.get(URL, {"check": "true"}).json()
    assert calls(ses) == ["GetIdentityVerificationAttributes", "GetIdentityMailFromDomainAttributes"]
    shown = {row["domain"]: (row["status"], row["verificationCheck"]["sesStatus"]) for row in answer["data"]}
    assert shown == {"a.com": ("verified", "Success"), "b.com": ("failed", "Failed"), "c.com": ("pending", "Pending")}
    assert answer["meta"]["statusBreakdown"] == {"verified": 1, "pending": 1, "failed": 1}
    assert {len(row["verificationCheck"]["dnsRecords"]) for row in answer["data"]} == {9}
    ses.clear_journal()
    api.get(URL, {"check": "1"})
    assert calls(ses) == []


def test_a_failing_check_is_reported_in_the_answer(api, domain, ses):
    fail_calls(ses)
    (row,) = api.get(URL, {"check": "true"}).json()["data"]
    assert row["status"] == "verified"
    assert row["verificationCheck"].pop("lastChecked")
    assert row["verificationCheck"] == {"dnsRecords": [], "sesStatus": "Error", "isFullyVerified": False}


def test_other_methods_are_not_allowed(api):
    for method in (api.put, api.patch, api.delete):
        answer = method(URL)
        assert (answer.status_code, answer.content) == (405, b"")


def test_listing_needs_a_key(api):
    api.credentials()
    answer = api.get(URL, {"limit": "x"})
    assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized"})


def test_a_rule_that_is_not_ours_and_takes_the_mail_is_a_warning(api, domain, user, ses):
    DomainFactory(owner=user, name="quiet.example.com")
    rule: Any = {"Name": "legacy", "Enabled": True, "Recipients": ["a@example.com"], "Actions": []}
    boto3.client("ses", region_name="eu-west-1").create_receipt_rule(RuleSetName="inbound-email-rules", Rule=rule)
    SesSweeper(3600.0).sweep()
    warnings = {row["domain"]: row["receivingWarning"] for row in api.get(URL).json()["data"]}
    assert warnings == {
        "example.com": "A rule that is not ours takes mail of this domain, too, so it may not arrive: legacy. "
        "Ask who runs this installation.",
        "quiet.example.com": None,
    }
