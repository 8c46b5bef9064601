"""GET /domains/{id}/dns-records, GET /dns-records, GET /dns-records/{id}"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from domains.models import DnsRecord, Domain
from inbound.tests.support.aws import calls
from inbound.tests.support.factories import DnsRecordFactory, DomainFactory, UserFactory

URL = "/api/v2/dns-records"


@pytest.fixture
def records(domain):
    return [
        DnsRecordFactory(domain=domain, record_type="TXT", name="b.example.com"),
        DnsRecordFactory(domain=domain, record_type="MX", value="10 inbound-smtp.eu-west-1.amazonaws.com"),
        DnsRecordFactory(domain=domain, record_type="CNAME", name="c.example.com"),
        DnsRecordFactory(domain=domain, record_type="TXT", name="a.example.com"),
    ]


def test_records_of_a_domain_are_ordered_by_type(api, domain, records, ses):
    answer = api.get(f"/api/v2/domains/{domain.pk}/dns-records")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["domainId"], body["domain"]) == (domain.pk, "example.com")
    shown = [(row["recordType"], row["name"]) for row in body["records"]]
    assert shown == [
        ("CNAME", "c.example.com"),
        ("MX", "example.com"),
        ("TXT", "a.example.com"),
        ("TXT", "b.example.com"),
    ]
    mx = body["records"][1]
    assert mx.pop("createdAt") == mx.pop("updatedAt")
    assert mx == {
        "id": records[1].pk,
        "domainId": domain.pk,
        "recordType": "MX",
        "name": "example.com",
        "value": "10 inbound-smtp.eu-west-1.amazonaws.com",
        "priority": None,
        "isRequired": True,
        "isVerified": False,
        "lastChecked": None,
    }
    assert calls(ses) == []


def test_updated_at_is_the_time_of_the_last_check(api, records):
    checked = timezone.now() + timedelta(minutes=1)
    DnsRecord.objects.filter(pk=records[0].pk).update(last_checked=checked, state="verified")
    shown = api.get(f"{URL}/{records[0].pk}").json()
    assert shown["lastChecked"] == shown["updatedAt"] != shown["createdAt"]


def test_all_records_are_listed_in_pages(api, user, records):
    DnsRecordFactory(domain=DomainFactory(owner=user, name="example.org"))
    page = api.get(URL, {"limit": 3}).json()
    assert len(page["data"]) == 3
    assert page["pagination"] == {"limit": 3, "offset": 0, "total": 5, "hasMore": True}


FILTERS = [("", 4), ("nope", 0), ("a%00b", 0), ("%20", 0), ("a" * 5000, 0)]


def test_records_are_filtered_by_domain(api, records, subtests):
    for query, found in FILTERS:
        with subtests.test(query=query):
            assert len(api.get(f"{URL}?domainId={query}").json()["data"]) == found
            assert len(api.get(URL, {"domainId": records[0].domain_id}).json()["data"]) == 4


def test_the_list_needs_three_statements(api, domain, django_assert_num_queries):
    DnsRecord.objects.bulk_create(
        DnsRecord(domain=domain, record_type="TXT", name="example.com", value=str(n)) for n in range(100)
    )
    api.get(URL)  # records the use of the key
    for limit in (1, 100):
        with django_assert_num_queries(3):  # key, count, page
            assert len(api.get(URL, {"limit": limit}).json()["data"]) == limit
    with django_assert_num_queries(3):  # key, domain, records
        assert len(api.get(f"/api/v2/domains/{domain.pk}/dns-records").json()["records"]) == 100


def test_other_users_records_are_not_shown(client_for, records):
    other = client_for(UserFactory())
    assert other.get(URL).json()["data"] == []
    assert other.get(URL, {"domainId": records[0].domain_id}).json()["data"] == []
    assert other.get(f"{URL}/{records[0].pk}").json() == {"error": "DNS record not found"}


def test_records_of_a_domain_that_is_being_deleted_are_not_shown(api, records):
    Domain.objects.update(deleting_since=timezone.now())
    assert api.get(URL).json()["data"] == []
    assert api.get(f"{URL}/{records[0].pk}").status_code == 404


ODD_IDS = ["nope", "a%00b", "%20", "a" * 5000]


def test_an_unknown_id_is_not_found(api, records, subtests):
    for pk in ODD_IDS:
        with subtests.test(pk=pk):
            answer = api.get(f"{URL}/{pk}")
            assert (answer.status_code, answer.json()) == (404, {"error": "DNS record not found"})


def test_records_are_read_only(api, records):
    for method in (api.post, api.put, api.patch, api.delete):
        for path in (URL, f"{URL}/{records[0].pk}", f"/api/v2/domains/{records[0].domain_id}/dns-records"):
            assert (method(path).status_code, method(path).content) == (405, b"")
    assert DnsRecord.objects.count() == 4
