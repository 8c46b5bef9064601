"""The admin deletes what it has shown: the page that asks carries the plan's token."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from addresses.models import EmailAddress
from domains.models import Domain, DomainDeletion
from inbound.tests.admin_site import post, said, text, url
from inbound.tests.factories import BlockedEmailFactory, EmailAddressFactory
from inbound.tests.seen import calls, store

CHANGED = "Nothing was deleted: the plan has changed since you saw it. This is what it is now."


@pytest.fixture
def address(domain, ses):
    row = EmailAddressFactory(domain=domain, address="a@example.com")
    ses.clear_journal()
    return row


def token(page: str) -> Any:
    [found] = re.findall(r'name="plan" value="([^"]+)"', page)
    return found


def asked(client: Client, model: str, row) -> tuple[str, str]:
    path = url(model, "delete", row.pk)
    return path, text(client.get(path))


def test_a_domain_is_deleted_as_it_was_shown(address, domain, admin_client: Client):
    path, page = asked(admin_client, "domains.domain", domain)
    _, messages = post(admin_client, path, post="yes", plan=token(page))
    assert [level for level, _ in messages] == ["success"]
    assert DomainDeletion.objects.get().plan_token == token(page)


def test_what_came_up_since_the_page_was_shown_is_asked_about_again(address, domain, ses, admin_client: Client):
    path, page = asked(admin_client, "domains.domain", domain)
    for change, news in (
        (lambda: BlockedEmailFactory(domain=domain), "1 blocked email, 1 email address"),
        (lambda: store(f"{domain.key_prefix}mail"), "1 object, 1 version, 4 bytes"),
    ):
        change()
        response = admin_client.post(path, {"post": "yes", "plan": token(page)})
        assert (response.status_code, said(response)) == (200, [("warning", CHANGED)])
        page = text(response)
        assert news in page
    assert Domain.objects.live().filter(pk=domain.pk).exists()
    assert calls(ses) == []
    assert admin_client.post(path, {"post": "yes", "plan": token(page)}).status_code == 302
    assert not Domain.objects.exists()


def test_an_address_is_deleted_as_it_was_shown(address, domain, ses, admin_client: Client):
    path, page = asked(admin_client, "addresses.emailaddress", address)
    assert "Receipt rule inbound-example.com-rule goes: a@example.com." in page
    EmailAddressFactory(domain=domain, address="b@example.com")
    response = admin_client.post(path, {"post": "yes", "plan": token(page)})
    assert (response.status_code, said(response)) == (200, [("warning", CHANGED)])
    assert "loses a@example.com, and then has 1 recipient." in text(response)
    _, messages = post(admin_client, path, post="yes", plan=token(text(response)))
    assert messages == [("success", "Deleted: a@example.com. SES is confirmed to receive nothing for it any more.")]
    assert [row.address for row in EmailAddress.objects.all()] == ["b@example.com"]


def test_a_made_up_token_deletes_nothing(address, domain, admin_client: Client):
    for model, row in (("domains.domain", domain), ("addresses.emailaddress", address)):
        response = admin_client.post(url(model, "delete", row.pk), {"post": "yes", "plan": "made up"})
        assert said(response) == [("warning", CHANGED)]
    assert EmailAddress.objects.exists()
