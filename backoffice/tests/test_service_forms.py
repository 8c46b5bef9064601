"""Adding and changing rows through services. Endpoints serve as an example."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.test import Client

from addresses import services as services_of_addresses
from backoffice.service_forms import GONE
from domains.lifecycle.catch_all import EndpointGone
from endpoints import services
from endpoints.models import Endpoint
from inbound.tests.support.admin_site import assert_constant_statements, post, url
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory, EndpointFactory


def values(endpoint: Endpoint, **changes: Any) -> dict[str, Any]:
    fields = {"name": endpoint.name, "description": endpoint.description or "", "is_active": "on"}
    return {**fields, "url": "https://example.org/", "payload": "full", **changes}


def test_a_row_deleted_while_its_form_was_open_is_reported(ses, user, admin_client: Client, monkeypatch):
    def update(**_: Any) -> None:
        raise Endpoint.DoesNotExist

    monkeypatch.setattr(services, "update_endpoint", update)
    endpoint = EndpointFactory(owner=user)
    response, messages = post(
        admin_client, url("endpoints.endpoint", "change", endpoint.pk), **values(endpoint, name="New")
    )
    assert (response.status_code, messages) == (302, [("error", GONE)])
    assert not LogEntry.objects.exists()


def test_a_related_row_deleted_while_the_form_was_open_is_reported(ses, user, admin_client: Client, monkeypatch):
    def change(**_: Any) -> None:
        raise EndpointGone

    monkeypatch.setattr(services_of_addresses, "update_address", change)
    address = EmailAddressFactory(endpoint=EndpointFactory(owner=user))
    response, messages = post(admin_client, url("addresses.emailaddress", "change", address.pk))
    assert (response.status_code, messages) == (302, [("error", GONE)])
    assert not LogEntry.objects.exists()


def test_the_service_does_not_run_in_a_transaction_of_the_admin(ses, user, admin_client: Client, monkeypatch):
    inside = []
    update = services.update_endpoint

    def watched(**changes: Any) -> Any:
        inside.append(transaction.get_connection().in_atomic_block)
        return update(**changes)

    monkeypatch.setattr(services, "update_endpoint", watched)
    endpoint = EndpointFactory(owner=user)
    post(admin_client, url("endpoints.endpoint", "change", endpoint.pk), **values(endpoint, name="New"))
    endpoint.refresh_from_db()
    assert (inside, endpoint.name) == ([False], "New")


def test_many_endpoints_to_choose_from_take_no_more_statements(ses, user, admin_client: Client):
    domain = DomainFactory(owner=user, catch_all_endpoint=EndpointFactory(owner=user))
    address = EmailAddressFactory(domain=domain, endpoint=EndpointFactory(owner=user, name="<Shop>"))
    for page in (url("addresses.emailaddress", "change", address.pk), url("domains.domain", "change", domain.pk)):
        admin_client.get(page)  # remembers content types
        assert_constant_statements(admin_client, page, lambda: EndpointFactory(owner=user))
    shown = admin_client.get(url("addresses.emailaddress", "change", address.pk)).content.decode()
    assert f'<option value="{address.endpoint_id}" selected>&lt;Shop&gt;</option>' in shown
    assert '<option value="">---------</option>' in shown
