"""GET /email-addresses"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from addresses.models import EmailAddress
from domains.models import Domain
from inbound.models import ApiKey
from inbound.tests.support.aws import calls
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory, EndpointFactory, UserFactory
from ses_integration.drift.sweep import sweep_database
from ses_integration.models import DomainSync, LedgerEntry, LedgerRecipient

pytestmark = pytest.mark.sqlite

URL = "/api/v2/email-addresses"
RULE = "inbound-example.com-rule"


@pytest.fixture
def many(domain, user):
    """100 addresses, all in SES, each with one of three endpoints."""
    endpoints = [EndpointFactory(owner=user) for _ in range(3)]
    rows = EmailAddress.objects.bulk_create(
        EmailAddress(domain=domain, address=f"a{n}@example.com", slot=n, endpoint=endpoints[n % 3]) for n in range(100)
    )
    rule = LedgerEntry.objects.create(
        region="eu-west-1",
        rule_set="inbound-email-rules",
        domain="example.com",
        kind="rule",
        name=RULE,
        presence="present",
        changed_at=timezone.now(),
    )
    LedgerRecipient.objects.bulk_create(LedgerRecipient(entry=rule, recipient=row.address) for row in rows)


def test_a_listed_address_is_shown_like_a_single_one(api, domain, user):
    row = EmailAddressFactory(domain=domain, endpoint=EndpointFactory(owner=user))
    answer = api.get(URL)
    assert answer.status_code == 200
    assert answer.json() == {
        "data": [api.get(f"{URL}/{row.pk}").json()],
        "pagination": {"limit": 50, "offset": 0, "total": 1, "hasMore": False},
    }


def test_other_users_addresses_and_deleted_ones_are_not_listed(api, client_for, domain, user):
    EmailAddressFactory(domain=domain, address="mine@example.com")
    EmailAddressFactory()
    going = DomainFactory(owner=user)
    EmailAddressFactory(domain=going)
    Domain.objects.filter(pk=going.pk).update(deleting_since=timezone.now())
    assert [row["address"] for row in api.get(URL).json()["data"]] == ["mine@example.com"]
    other = client_for(UserFactory())
    assert other.get(URL).json()["pagination"]["total"] == 0
    assert other.get(URL, {"domainId": domain.pk}).json()["data"] == []


FILTERS = [
    ("", "abcd"),
    ("domainId={com}", "abc"),
    ("domainId={org}", "d"),
    ("domainId=nope", ""),
    ("domainId=a%00b", ""),
    ("domainId=" + "a" * 5000, ""),
    ("domainId=", "abcd"),
    ("isActive=true", "abd"),
    ("isActive=false", "c"),
    ("isReceiptRuleConfigured=true", "a"),
    ("isReceiptRuleConfigured=false", "bcd"),
    ("isReceiptRuleConfigured=false&isActive=true", "bd"),
    ("domainId={com}&isActive=true&limit=1&offset=2", ""),
]


def test_addresses_are_filtered(api, domain, user, subtests):
    """Only the first of the active addresses is in SES."""
    org = DomainFactory(owner=user, name="example.org")
    EmailAddressFactory(domain=domain, address="a@example.com")
    EmailAddress.objects.bulk_create(
        [
            EmailAddress(domain=domain, address="b@example.com", slot=1),
            EmailAddress(domain=domain, address="c@example.com", slot=2, is_active=False),
            EmailAddress(domain=org, address="d@example.org", slot=0),
        ]
    )
    for query, found in FILTERS:
        with subtests.test(query=query):
            answer = api.get(f"{URL}?{query.format(com=domain.pk, org=org.pk)}")
            assert answer.status_code == 200
            assert sorted(row["address"][0] for row in answer.json()["data"]) == list(found)
            if "offset" not in query:
                assert answer.json()["pagination"]["total"] == len(found)


def test_pages_are_disjoint_and_newest_first(api, many):
    now = timezone.now()
    for n, row in enumerate(EmailAddress.objects.order_by("address")):
        EmailAddress.objects.filter(pk=row.pk).update(created_at=now - timedelta(minutes=n // 4))
    seen = []
    for offset in range(0, 100, 30):
        page = api.get(URL, {"limit": 30, "offset": offset}).json()
        assert page["pagination"] == {"limit": 30, "offset": offset, "total": 100, "hasMore": offset < 70}
        seen += [(row["createdAt"], row["id"]) for row in page["data"]]
    assert len(set(seen)) == 100
    assert [moment for moment, _ in seen] == sorted((moment for moment, _ in seen), reverse=True)


NO_PAGES = [
    ({"limit": "0"}, "Limit must be between 1 and 100"),
    ({"limit": "abc"}, "Limit must be between 1 and 100"),
    ({"offset": "-1"}, "Offset must be non-negative"),
    ({"offset": "9" * 20}, "Offset must be non-negative"),
]


def test_an_invalid_page_is_refused(api, subtests):
    for query, error in NO_PAGES:
        with subtests.test(query=query):
            answer = api.get(URL, query)
            assert (answer.status_code, answer.json()) == (400, {"error": error})


def test_a_page_of_any_length_needs_three_statements(api, many, ses, django_assert_num_queries):
    api.get(URL)  # records the use of the key
    for limit in (1, 100):
        with django_assert_num_queries(3):  # key, count, page
            shown = api.get(URL, {"limit": limit}).json()["data"]
        assert len(shown) == limit
        assert {row["receiptRuleName"] for row in shown} == {RULE}
    ApiKey.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    with django_assert_num_queries(4):  # with the use of the key, once a minute
        api.get(URL)
    assert calls(ses) == []


def test_the_filter_for_configured_addresses_needs_two_statements_more(api, many, django_assert_num_queries):
    """Which domains SES may not follow: has the ledger been compared with the rows, and which have changed since?"""
    sweep_database()
    DomainSync.objects.update(observed_generation=F("generation"))
    api.get(URL)  # records the use of the key
    for configured, found in (("true", 100), ("false", 0)):
        with django_assert_num_queries(5 if found else 4):  # no page without rows
            answer = api.get(URL, {"limit": 1000, "isReceiptRuleConfigured": configured}).json()
        assert (len(answer["data"]), answer["pagination"]["total"]) == (found, found)


def test_other_methods_are_not_allowed(api):
    for method in (api.put, api.patch, api.delete):
        answer = method(URL)
        assert (answer.status_code, answer.content) == (405, b"")
