"""People search for names as they know them. Stored are lower-case ASCII forms."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.test import Client

from backoffice.lists import SearchesNames
from domains.models import Domain, DomainDeletion
from inbound.tests.support.admin_site import url
from inbound.tests.support.factories import (
    BlockedEmailFactory,
    DeletedAddressFactory,
    DnsRecordFactory,
    EmailAddressFactory,
    EndpointFactory,
    UserFactory,
)

NAME = "xn--bcher-kva.de"
TYPED = [
    "bücher.de",
    "BÜCHER.de",
    "Bücher.DE.",
    '"bücher.de"',
    "https://Bücher.de:443/impressum",
    " bücher.de ",
    "bücher。de",
    "BÜCHER",
    "xn--BCHER-kva.de.",
    "\xa0bücher.de",
]
TYPED_ADDRESSES = ["Info@BÜCHER.de", "info@bücher.de.", "@Bücher.de", "info@Bücher", " INFO@bücher.de"]


@pytest.fixture
def bücher(ses) -> Domain:
    """The domain, a row about it on every page that can be searched for names, and one of another domain."""
    for name in (NAME, "other.example.com"):
        address = EmailAddressFactory.create(domain__name=name, domain__owner=UserFactory(), address=f"info@{name}")
        DeletedAddressFactory.create(domain=address.domain, address=f"old@{name}")
        BlockedEmailFactory.create(domain=address.domain, email_address=f"spam@{name}")
        DnsRecordFactory.create(domain=address.domain)
        DomainDeletion.objects.create(
            name=name, domain_id=address.domain.pk, owner=address.domain.owner, requested_by="op"
        )
    return Domain.objects.get(name=NAME)


def found(client: Client, model: str, typed: str) -> str:
    answer = client.get(url(model, "changelist"), {"q": typed})
    assert answer.status_code == 200
    return "\n".join(str(row) for row in answer.context["cl"].result_list)


@pytest.mark.parametrize("typed", TYPED)
@pytest.mark.parametrize(
    "model",
    [
        "domains.domain", "domains.dnsrecord", "domains.domaindeletion", "addresses.emailaddress", "addresses.deletedaddress",
        "addresses.blockedemail", "ses_integration.domainsync", "ses_integration.ledgerentry",
    ],
)  # fmt: skip
def test_every_page_of_names_is_searched_by_the_name_as_people_type_it(bücher, admin_client, model, typed):
    rows = found(admin_client, model, typed)
    assert rows
    assert all(NAME in row for row in rows.splitlines())


@pytest.mark.parametrize("typed", TYPED_ADDRESSES)
@pytest.mark.parametrize("model", ["addresses.emailaddress", "ses_integration.ledgerentry"])
def test_addresses_are_found_as_people_type_them(bücher, admin_client, model, typed):
    assert NAME in found(admin_client, model, typed)
    assert "other" not in found(admin_client, model, typed)


def test_each_word_may_be_a_name_or_a_text(bücher, admin_client):
    User = type(bücher.owner)
    User.objects.filter(pk=bücher.owner.pk).update(username="Jürgen")
    assert found(admin_client, "domains.domain", "Bücher.de jürgen") == NAME
    assert found(admin_client, "domains.domain", "Bücher.de someone") == ""
    EndpointFactory.create(name="Bücher.de hook")
    assert found(admin_client, "endpoints.endpoint", "bücher.de") == "Bücher.de hook"


@pytest.mark.parametrize(
    ("typed", "is_found"),
    [(".", True), ("@", True), ("xn--", True), ("\u200b", False), ("%", False), ("ü" * 300, False)],
)
def test_a_text_that_is_no_name_finds_only_what_contains_it(bücher, admin_client, typed, is_found):
    assert bool(found(admin_client, "addresses.emailaddress", typed)) == is_found


def test_all_pages_of_ours_search_so():
    ours = [site for site in admin.site._registry.values() if not type(site).__module__.startswith("django.")]
    assert ours
    assert all(isinstance(site, SearchesNames) for site in ours)
