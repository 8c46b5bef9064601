"""Endpoints in the admin. No page shows a secret of a config."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from domains.lifecycle.catch_all import set_catch_all
from domains.lifecycle.register import add_domain
from domains.models import Domain
from endpoints.models import Endpoint
from endpoints.services import switch_off
from inbound.tests.support.admin_site import (
    assert_constant_statements,
    confirm,
    delete_selected,
    open_links,
    post,
    staff,
    text,
    url,
)
from inbound.tests.support.aws import calls, fail_calls, recover_and_run_worker, rules
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory, EndpointFactory

ENDPOINTS = url("endpoints.endpoint", "changelist")
ADD = url("endpoints.endpoint", "add")
CONFIG = {
    "url": "https://hooks.example.org/in?apikey=hidden-1&token=hidden-2",
    "secret": "hidden-3",
    "headers": {"X-Key": "hidden-4"},
}


def page(endpoint: Endpoint) -> str:
    return url("endpoints.endpoint", "change", endpoint.pk)


def deletion(endpoint: Endpoint) -> str:
    return url("endpoints.endpoint", "delete", endpoint.pk)


@pytest.fixture
def endpoint(ses, user) -> Endpoint:
    return EndpointFactory(owner=user, config=CONFIG)


@pytest.fixture
def catch_all(ses, user, endpoint) -> Domain:
    domain = add_domain(owner=user, name="example.com").domain
    set_catch_all(domain=domain, enabled=True, endpoint_id=endpoint.pk)
    ses.clear_journal()
    return domain


@pytest.mark.parametrize("column", ["config__headers__X-Key", "config", "sealed_secret", "sealed_previous_secret"])
def test_no_filter_tells_a_secret_letter_by_letter(endpoint, client: Client, column: str):
    staff(client, "endpoints.view_endpoint")
    assert client.get(ENDPOINTS, {f"{column}__startswith": "hidden"}).status_code == 400


def test_every_page_opens_without_any_secret(endpoint, catch_all, admin_client: Client):
    EmailAddressFactory(domain=catch_all, endpoint=endpoint)
    for path in (
        *(
            ENDPOINTS,
            f"{ENDPOINTS}?q=Main&type__exact=webhook",
            f"{ADD}?type=webhook",
            page(endpoint),
            deletion(endpoint),
        ),
        *(url("endpoints.endpoint", "history", endpoint.pk), url("domains.domain", "change", catch_all.pk)),
        url("addresses.emailaddress", "change", catch_all.email_addresses.get().pk),
    ):
        response = admin_client.get(path, follow=True)
        assert response.status_code == 200, path
        assert "hidden-" not in text(response), path
    assert "hooks.example.org" in text(admin_client.get(page(endpoint)))
    links = open_links(admin_client, page(endpoint))
    assert f"/admin/addresses/emailaddress/?endpoint__id__exact={endpoint.pk}" in links
    assert f"/admin/domains/domain/?catch_all_endpoint__id__exact={endpoint.pk}" in links


def test_the_number_of_statements_does_not_depend_on_the_number_of_endpoints(ses, user, admin_client: Client, settings):
    settings.SES_REQUEST_BUDGET = 0

    def make():
        endpoint = EndpointFactory()
        EmailAddressFactory(domain=DomainFactory(owner=user, catch_all_endpoint=endpoint), endpoint=endpoint)

    assert_constant_statements(admin_client, ENDPOINTS, make)


def test_the_reason_of_inbound_is_shown_until_the_endpoint_is_activated(ses, endpoint, admin_client: Client):
    switch_off(endpoint.pk, "The receiver is gone.")
    assert "The receiver is gone." in text(admin_client.get(page(endpoint)))
    masked = {"url": "https://hooks.example.org/in?apikey=***&token=***", "headers": "X-Key: ***", "payload": "full"}
    post(admin_client, page(endpoint), name="Main", is_active="on", **masked)
    assert "The receiver is gone." not in text(admin_client.get(page(endpoint)))


def test_the_confirmation_page_names_what_loses_its_receiver(ses, endpoint, catch_all, admin_client: Client):
    EmailAddressFactory(domain=catch_all, address="a@example.com", endpoint=endpoint)
    page_text = text(admin_client.get(deletion(endpoint)))
    assert "keep receiving, but are delivered nowhere: a@example.com" in page_text
    assert "catch-all is turned off, in SES too: example.com" in page_text
    assert "keep receiving, but are delivered nowhere: none" in text(admin_client.get(deletion(EndpointFactory())))
    assert Endpoint.objects.count() == 2


def test_an_endpoint_is_deleted_through_the_service(ses, endpoint, catch_all, admin_client: Client):
    response, messages = confirm(admin_client, deletion(endpoint))
    assert (response.status_code, response["Location"]) == (302, ENDPOINTS)
    assert messages == [
        ("success", "Deleted: Main. Addresses without a route now: none. Catch-alls off now: example.com.")
    ]
    assert (calls(ses), rules(ses)) == (["DeleteReceiptRule"], {})
    catch_all.refresh_from_db()
    assert (catch_all.is_catch_all_enabled, catch_all.catch_all_endpoint) == (False, None)
    assert LogEntry.objects.get().is_deletion()


def test_while_ses_fails_the_message_is_a_warning(ses, endpoint, catch_all, user, admin_client: Client, settings):
    settings.SES_REQUEST_BUDGET = 0.3
    fail_calls(ses)
    _, messages = delete_selected(admin_client, "endpoints.endpoint", [endpoint, EndpointFactory(owner=user)])
    assert {level for level, _ in messages} == {"warning", "success"}
    assert any("SES catch-all configuration failed:" in sentence for _, sentence in messages)
    assert not Endpoint.objects.exists()
    recover_and_run_worker(ses)
    assert rules(ses) == {}


def test_an_endpoint_deleted_meanwhile_is_reported(ses, endpoint, admin_client: Client):
    path = deletion(endpoint)
    Endpoint.objects.all().delete()
    assert post(admin_client, path, post="yes")[1] == [("error", "This endpoint has already been deleted.")]


def test_staff_need_permissions(ses, endpoint, client: Client):
    staff(client, "endpoints.view_endpoint")
    shown = text(client.get(page(endpoint)))
    assert "hooks.example.org" in shown
    assert "hidden-" not in shown
    for path in (deletion(endpoint), page(endpoint), ADD):
        assert client.post(path, {"post": "yes"}).status_code == 403
    staff(client)
    assert client.get(ENDPOINTS).status_code == 403
