"""Deleting rows through services: what the pages of all models have in common. Endpoints and addresses serve as examples."""

from __future__ import annotations

import time
from typing import Any

from django.test import Client

from addresses import deletion as address_deletion
from addresses import deletion_plan
from addresses.deletion_plan import plan_of
from addresses.models import EmailAddress
from backoffice.deletion import pages
from endpoints import services
from endpoints.admin.endpoints import EndpointAdmin
from endpoints.models import Endpoint
from inbound.tests.support.admin_site import confirm, delete_selected, plan_token, post, staff, text, url
from inbound.tests.support.aws import calls
from inbound.tests.support.factories import EmailAddressFactory, EndpointFactory


def missing(model: Any) -> Any:
    def delete(*args: Any, **kwargs: Any) -> None:
        raise model.DoesNotExist

    return delete


def delete_url(row: Any) -> str:
    return url(row._meta.label_lower, "delete", row.pk)


def test_too_many_rows_are_refused(ses, user, admin_client: Client, monkeypatch):
    monkeypatch.setattr(pages, "MOST_AT_ONCE", 2)
    chosen = EndpointFactory.create_batch(3, owner=user)
    assert delete_selected(admin_client, "endpoints.endpoint", chosen)[1] == [("error", "Delete at most 2 at once.")]
    assert Endpoint.objects.count() == 3
    delete_selected(admin_client, "endpoints.endpoint", chosen[:2])
    assert Endpoint.objects.count() == 1


def test_models_without_deletion_plans_get_a_summary(ses, user, admin_client: Client):
    endpoint = EndpointFactory(owner=user)
    page = text(admin_client.get(delete_url(endpoint)))
    assert f"Delete {endpoint.name}?" in page
    assert "Deletion plan" not in page
    assert "This cannot be undone. SES is updated at once" in page


def test_equal_outcomes_share_one_message_that_names_at_most_ten_rows(ses, user, admin_client: Client):
    chosen = [EndpointFactory(owner=user, name=f"endpoint {number:02}") for number in range(12)]
    [(level, message)] = delete_selected(admin_client, "endpoints.endpoint", chosen)[1]
    assert level == "success"
    assert message.startswith("Deleted: endpoint ")
    assert " and 2 more. " in message


def test_a_row_deleted_during_the_request_is_reported(ses, user, admin_client: Client, monkeypatch):
    endpoint = EndpointFactory(owner=user, name="Main")
    monkeypatch.setattr(services, "delete_endpoint", missing(Endpoint))
    assert confirm(admin_client, delete_url(endpoint))[1] == [("warning", "Already deleted: Main.")]


def test_a_row_with_a_plan_deleted_during_the_request_is_reported(ses, admin_client: Client, monkeypatch):
    address = EmailAddressFactory()
    monkeypatch.setattr(address_deletion, "delete_address", missing(EmailAddress))
    assert confirm(admin_client, delete_url(address))[1] == [("warning", f"Already deleted: {address}.")]


def test_looking_at_the_plan_again_counts_towards_the_deadline(ses, admin_client: Client, monkeypatch, settings):
    address = EmailAddressFactory(address="a@example.com")
    path = delete_url(address)
    token = plan_token(text(admin_client.get(path)))
    ses.clear_journal()
    settings.SES_REQUEST_BUDGET = 0.2

    def slow_plan_of(row: EmailAddress, *, permanent: bool) -> Any:
        time.sleep(0.3)
        return plan_of(row, permanent=permanent)

    monkeypatch.setattr(deletion_plan, "plan_of", slow_plan_of)
    [(level, message)] = post(admin_client, path, post="yes", plan=token, typed="a@example.com")[1]
    assert (level, message.startswith("Deleted: a@example.com. ")) == ("warning", True)
    assert calls(ses) == []


def test_nothing_is_deleted_if_one_of_the_rows_may_not_be(ses, user, admin_client: Client, monkeypatch):
    chosen = EndpointFactory.create_batch(2, owner=user)
    permission = EndpointAdmin.has_delete_permission
    monkeypatch.setattr(
        EndpointAdmin,
        "has_delete_permission",
        lambda self, request, obj=None: obj != chosen[0] and permission(self, request, obj),
    )
    assert delete_selected(admin_client, "endpoints.endpoint", chosen)[0].status_code == 403
    assert Endpoint.objects.count() == 2


def test_a_user_who_may_delete_but_not_view_returns_to_the_index(ses, user, client: Client):
    staff(client, "endpoints.delete_endpoint")
    endpoint = EndpointFactory(owner=user)
    response, _ = confirm(client, delete_url(endpoint))
    assert (response.status_code, response["Location"]) == (302, "/admin/")
    assert not Endpoint.objects.exists()
