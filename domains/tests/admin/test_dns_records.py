"""DNS records in the admin: their order."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from domains.models import DnsRecord
from inbound.tests.support.admin_site import text, url
from inbound.tests.support.factories import DnsRecordFactory, DomainFactory

RECORDS = url("domains.dnsrecord", "changelist")


@pytest.fixture
def records(user) -> list[DnsRecord]:
    """In the order of their domains' names, which is not that of their ids."""
    ids = {"a.example.com": "z", "b.example.com": "a", "c.example.com": "m"}
    domains = [DomainFactory(owner=user, pk=pk, name=name) for name, pk in ids.items()]
    return [DnsRecordFactory(domain=domain) for domain in domains]


def shown(client: Client, query: str = "") -> list[DnsRecord]:
    return list(client.get(f"{RECORDS}{query}").context["cl"].result_list)


def test_records_are_listed_by_the_names_of_their_domains(records, admin_client: Client):
    assert shown(admin_client) == records
    assert "column-domain_link sorted ascending" in text(admin_client.get(RECORDS))


def test_the_header_of_the_domain_sorts_by_its_name(records, admin_client: Client):
    header = text(admin_client.get(RECORDS)).partition("column-domain_link")[2]
    column = re.findall(r"\?o=-(\d)", header)[0]
    assert shown(admin_client, f"?o={column}") == records
    assert shown(admin_client, f"?o=-{column}") == records[::-1]
