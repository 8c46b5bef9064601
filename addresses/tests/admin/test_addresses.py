"""Addresses in the admin."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from addresses.deletion import delete_address
from addresses.models import EmailAddress
from domains.lifecycle.register import add_domain
from domains.models import Domain
from inbound.tests.support.admin_site import (
    assert_constant_statements,
    confirm,
    delete_selected,
    post,
    staff,
    text,
    url,
)
from inbound.tests.support.aws import calls, fail_calls, recover_and_run_worker, rules
from inbound.tests.support.factories import BlockedEmailFactory, DomainFactory, EmailAddressFactory, EndpointFactory

ADDRESSES = url("addresses.emailaddress", "changelist")
ADD = url("addresses.emailaddress", "add")
BLOCKED = url("addresses.blockedemail", "changelist")
BLOCK = url("addresses.blockedemail", "add")
RULE = "inbound-example.com-rule"


def page(address: EmailAddress) -> str:
    return url("addresses.emailaddress", "change", address.pk)


def deletion(address: EmailAddress) -> str:
    return url("addresses.emailaddress", "delete", address.pk)


def bulk(*rows: EmailAddress) -> dict[str, object]:
    """The form that asks for the confirmation page of these rows."""
    return {"action": "delete_selected", "_selected_action": [row.pk for row in rows], "index": "0"}


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


def test_every_page_opens(domain, admin_client: Client):
    address, blocked = EmailAddressFactory(domain=domain), BlockedEmailFactory(domain=domain)
    for path in (
        *(ADDRESSES, f"{ADDRESSES}?q=example&is_active__exact=1&rule=with", f"{ADDRESSES}?rule=without"),
        *(ADD, page(address), url("addresses.emailaddress", "history", address.pk)),
        *(BLOCKED, BLOCK, url("addresses.blockedemail", "change", blocked.pk)),
    ):
        assert admin_client.get(path, follow=True).status_code == 200, path


def test_lists_take_a_constant_number_of_statements(ses, user, admin_client: Client, settings):
    settings.SES_REQUEST_BUDGET = 0
    assert_constant_statements(
        admin_client,
        ADDRESSES,
        lambda: EmailAddressFactory(domain=DomainFactory(owner=user), endpoint=EndpointFactory(owner=user)),
    )
    assert_constant_statements(admin_client, BLOCKED, lambda: BlockedEmailFactory(blocked_by=EndpointFactory().owner))


def test_an_address_is_added_through_the_service(ses, domain, user, admin_client: Client):
    endpoint = EndpointFactory(owner=user)
    response, messages = post(admin_client, ADD, address="Hello@Example.com", endpoint=endpoint.pk, is_active="on")
    address = EmailAddress.objects.get()
    assert (response.status_code, [level for level, _ in messages]) == (302, ["success"])
    assert (address.address, address.domain, address.endpoint) == ("hello@example.com", domain, endpoint)
    assert calls(ses) == ["CreateReceiptRule"]
    assert rules(ses) == {RULE: {"hello@example.com"}}
    assert LogEntry.objects.get().object_id == address.pk
    shown = text(admin_client.get(page(address)))
    assert f"/admin/ses_integration/ledgerentry/?name={RULE}" in shown
    assert url("domains.domain", "change", domain.pk) in shown
    assert url("endpoints.endpoint", "change", endpoint.pk) in shown


def test_an_invalid_address_is_an_error_on_the_form(ses, domain, admin_client: Client):
    EmailAddressFactory(domain=domain, address="a@example.com")
    ses.clear_journal()
    for values, sentence in (
        ({"address": "a b@example.com"}, "This is not an email address that can receive mail."),
        ({"address": "a@example.org"}, "There is no domain example.org here."),
        ({"address": "A@example.com"}, "This address already exists."),
        ({"address": "b@example.com", "endpoint": EndpointFactory().pk}, "does not belong to the owner of example.com"),
    ):
        response = admin_client.post(ADD, {"is_active": "on", **values})
        assert response.status_code == 200
        assert sentence in text(response)
    assert EmailAddress.objects.count() == 1
    assert calls(ses) == []


def test_an_address_is_changed_through_the_service(ses, domain, user, admin_client: Client):
    address, endpoint = EmailAddressFactory(domain=domain, address="a@example.com"), EndpointFactory(owner=user)
    ses.clear_journal()
    post(admin_client, page(address), endpoint=endpoint.pk, is_active="on", address="b@example.com", domain="x")
    address.refresh_from_db()
    assert (address.address, address.domain, address.endpoint, calls(ses)) == ("a@example.com", domain, endpoint, [])
    post(admin_client, page(address), endpoint=endpoint.pk)
    address.refresh_from_db()
    assert (address.is_active, rules(ses)) == (False, {})
    foreign = EndpointFactory()
    assert "Select a valid choice" in text(admin_client.post(page(address), {"endpoint": foreign.pk}))


def test_a_warning_is_shown_if_ses_is_down_when_an_address_is_added_or_changed(
    ses, domain, admin_client: Client, settings
):
    settings.SES_REQUEST_BUDGET = 0.3
    fail_calls(ses)
    response, messages = post(admin_client, ADD, address="a@example.com", is_active="on")
    assert response.status_code == 302
    assert messages[0][0] == "warning"
    assert messages[0][1].startswith("SES configuration failed:")
    assert "pending: " in text(admin_client.get(ADDRESSES))
    _, messages = post(admin_client, page(EmailAddress.objects.get()))
    assert messages[0][0] == "warning"


def test_an_address_of_a_domain_that_is_being_deleted_cannot_be_edited(ses, domain, admin_client: Client):
    address = EmailAddressFactory(domain=domain)
    Domain.objects.update(deleting_since=timezone.now())
    assert 'name="_save"' not in text(admin_client.get(page(address)))
    assert admin_client.post(page(address), {}).status_code == 403


def test_the_confirmation_page_shows_what_happens_to_the_rule(ses, domain, admin_client: Client):
    first = EmailAddressFactory(
        domain=domain, address="a@example.com", endpoint=EndpointFactory(owner=domain.owner, name="Main hook")
    )
    EmailAddressFactory(domain=domain, address="b@example.com")
    inactive = EmailAddressFactory(domain=domain, address="c@example.com", is_active=False)
    asked = text(admin_client.get(deletion(first)))
    assert f"Receipt rule {RULE} loses a@example.com, and then has 1 recipient." in asked
    assert "Endpoint Main hook, which receives its mail." in asked
    assert "SES should already receive nothing for it." in text(admin_client.get(deletion(inactive)))


def test_the_page_for_many_addresses_shows_routes_and_links_to_each_plan(ses, domain, admin_client: Client):
    hook = EndpointFactory(owner=domain.owner, name="Main hook")
    first = EmailAddressFactory(domain=domain, address="a@example.com", endpoint=hook)
    second = EmailAddressFactory(domain=domain, address="b@example.com", is_active=False)
    other = EmailAddressFactory(domain=domain, address="c@example.com")
    page = admin_client.post(ADDRESSES, bulk(first, second))
    asked = text(page)
    assert "Delete 2 email addresses?" in asked
    lines = {row.pk: lines for row, lines in page.context["items"]}
    assert lines == {
        first.pk: ["Not deleted: Endpoint Main hook, which receives its mail."],
        second.pk: [
            "The address is inactive, so SES should already receive nothing for it.",
            "Its mail goes to no endpoint.",
        ],
    }
    assert all(f"<div>{line}</div>" in asked for line in [*lines[first.pk], *lines[second.pk]])
    for address in (first, second):
        assert f'<a href="{deletion(address)}">Deletion plan</a>' in asked
    assert deletion(other) not in asked
    assert EmailAddress.objects.count() == 3


def test_the_page_for_many_addresses_takes_a_constant_number_of_statements(ses, user, admin_client: Client):
    def cost(count: int) -> int:
        rows = [
            EmailAddressFactory(domain=DomainFactory(owner=user), endpoint=EndpointFactory(owner=user))
            for _ in range(count)
        ]
        with CaptureQueriesContext(connection) as captured:
            assert admin_client.post(ADDRESSES, bulk(*rows)).status_code == 200
        return len(captured)

    assert cost(3) == cost(10)


def test_the_confirmation_page_mentions_the_catch_all(ses, catch_all, admin_client: Client):
    address = EmailAddressFactory(domain=catch_all)
    asked = text(admin_client.get(deletion(address)))
    assert "inbound-example.com-catchall-rule does not change: example.com." in asked
    assert "The catch-all still receives mail for the address." in asked
    assert "<div>The catch-all still receives mail for the address.</div>" in text(
        admin_client.post(ADDRESSES, bulk(address))
    )
    _, messages = confirm(admin_client, deletion(address))
    assert [level for level, _ in messages] == ["success"]


def test_an_address_is_deleted_through_the_service(ses, domain, admin_client: Client):
    first = EmailAddressFactory(domain=domain, address="a@example.com")
    second = EmailAddressFactory(domain=domain, address="b@example.com")
    ses.clear_journal()
    response, messages = confirm(admin_client, deletion(first))
    assert (response.status_code, response["Location"]) == (302, ADDRESSES)
    assert messages == [("success", "Deleted: a@example.com. SES has confirmed the deletion.")]
    assert (calls(ses), rules(ses)) == (["UpdateReceiptRule"], {RULE: {"b@example.com"}})
    confirm(admin_client, deletion(second))
    assert (calls(ses), rules(ses)) == (["UpdateReceiptRule", "DeleteReceiptRule"], {})
    assert [entry.object_repr for entry in LogEntry.objects.order_by("pk")] == ["a@example.com", "b@example.com"]


def test_three_addresses_of_a_domain_are_deleted_at_once(ses, domain, admin_client: Client):
    chosen = [EmailAddressFactory(domain=domain, address=f"{name}@example.com") for name in "abc"]
    EmailAddressFactory(domain=domain, address="stays@example.com")
    ses.clear_journal()
    _, messages = delete_selected(admin_client, "addresses.emailaddress", chosen)
    assert calls(ses) == ["UpdateReceiptRule"]
    assert rules(ses) == {RULE: {"stays@example.com"}}
    [(level, sentence)] = messages
    assert level == "success"
    assert all(address.address in sentence for address in chosen)
    assert LogEntry.objects.count() == 3


def test_with_ses_down_the_addresses_are_deleted_within_one_deadline(
    ses, alive, domain, admin_client: Client, settings
):
    chosen = [EmailAddressFactory(domain=domain, address=f"{name}@example.com") for name in "abc"]
    settings.SES_REQUEST_BUDGET = 0.3
    fail_calls(ses)
    started = timezone.now()
    _, messages = delete_selected(admin_client, "addresses.emailaddress", chosen)
    assert (timezone.now() - started).total_seconds() < 10
    assert {level for level, _ in messages} == {"warning"}
    assert "is recorded and will be applied automatically" in messages[0][1]
    assert not EmailAddress.objects.exists()
    recover_and_run_worker(ses)
    assert rules(ses) == {}


def test_an_address_deleted_meanwhile_is_reported_as_already_deleted(ses, domain, admin_client: Client):
    address = EmailAddressFactory(domain=domain)
    paths = deletion(address), page(address)
    delete_address(EmailAddress.objects.get())
    for path in paths:
        response, messages = post(admin_client, path, post="yes")
        assert response.status_code == 302
        assert messages[0][0] in ("error", "warning")
    _, messages = delete_selected(admin_client, "addresses.emailaddress", [address])
    assert messages == [("warning", "1 email address had already been deleted.")]


def test_nothing_is_deleted_without_the_permission(ses, domain, client: Client):
    address = EmailAddressFactory(domain=domain)
    staff(client, "addresses.view_emailaddress", "addresses.view_blockedemail")
    assert client.get(page(address)).status_code == 200
    for path in (deletion(address), page(address), ADD, BLOCK):
        assert client.post(path, {"post": "yes"}).status_code == 403
    delete_selected(client, "addresses.emailaddress", [address])
    assert EmailAddress.objects.exists()
    staff(client)
    assert client.get(ADDRESSES).status_code == 403
