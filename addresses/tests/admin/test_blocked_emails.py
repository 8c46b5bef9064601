"""Blocked emails in the admin."""

from __future__ import annotations

import pytest
from django.test import Client

from addresses.models import BlockedEmail
from domains.lifecycle.register import add_domain
from inbound.tests.support.admin_site import post, text, url
from inbound.tests.support.factories import BlockedEmailFactory, DomainFactory, EmailAddressFactory, EndpointFactory

BLOCK = url("addresses.blockedemail", "add")


@pytest.fixture
def domain(ses, user):
    added = add_domain(owner=user, name="example.com")
    ses.clear_journal()
    return added.domain


@pytest.fixture
def catch_all(domain, user):
    domain.is_catch_all_enabled, domain.catch_all_endpoint = True, EndpointFactory(owner=user)
    domain.save()
    return domain


def test_an_address_is_blocked_and_unblocked_through_the_service(ses, catch_all, admin_client: Client, admin_user):
    response, messages = post(admin_client, BLOCK, email_address="Spam@example.com", reason="spam")
    blocked = BlockedEmail.objects.get()
    assert (response.status_code, messages[0][0]) == (302, "success")
    assert (blocked.email_address, blocked.domain, blocked.blocked_by) == ("spam@example.com", catch_all, admin_user)
    assert admin_client.post(url("addresses.blockedemail", "change", blocked.pk), {}).status_code == 403
    post(admin_client, url("addresses.blockedemail", "delete", blocked.pk), post="yes")
    assert not BlockedEmail.objects.exists()


def test_an_address_that_cannot_be_blocked_is_an_error_on_the_form(ses, catch_all, user, admin_client: Client):
    EmailAddressFactory(domain=catch_all, address="own@example.com")
    BlockedEmailFactory(domain=catch_all, email_address="spam@example.com")
    DomainFactory(name="example.org", owner=user)
    for address, sentence in (
        ("own@example.com", "Cannot block manually added email addresses."),
        ("spam@example.com", "This address is already blocked."),
        ("a@example.org", "Domain example.org does not have catch-all enabled."),
        ("a@example.net", "There is no domain example.net here."),
    ):
        assert sentence in text(admin_client.post(BLOCK, {"email_address": address}))
    assert BlockedEmail.objects.count() == 1
