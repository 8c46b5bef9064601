"""Every page and action of the admin that writes adds to the audit log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory
from django.utils import timezone

from archives.models import Import
from archives.tests.format.reading.making import archive_of
from audit.models import Change
from domains.models import DomainAccess, DomainDeletion, Step
from inbound.models import ApiKey, issue_key
from inbound.tests.audit.test_every_route import Rows, in_grace, rows
from inbound.tests.support.admin_site import asked_to_type, text, url
from inbound.tests.support.factories import DeletedAddressFactory, UserFactory
from mail.models import Delivery, EndpointGate, EventNotice, ReceivedEmail
from ses_integration.models import RuleSetState

__all__ = ["rows"]

ADDS = {
    "domains.domain": lambda rows: {"name": "example.org", "owner": rows.domain.owner_id},
    "addresses.emailaddress": lambda rows: {"address": "new@example.com", "is_active": "on"},
    "endpoints.endpoint": None,
    "inbound.apikey": lambda rows: {"name": "CI", "owner": rows.domain.owner_id, "can_read": "on"},
    "auth.user": None,
    "auth.group": lambda rows: {"name": "guests"},
    "addresses.blockedemail": None,
    "domains.domainaccess": lambda rows: {"domain": rows.domain.pk, "user": rows.other.pk, "role": "viewer"},
    "archives.export": lambda rows: {"domain": rows.domain.pk, "includes_secrets": "on"},
    "archives.import": lambda rows: {
        "account": rows.domain.owner_id,
        "file": SimpleUploadedFile("a.zip", archive_of("imported.example")),
    },
}
# What the log has, if that is not that a row of the model was added.
RECORDED = {"archives.export": ("exported", "domains.domain"), "archives.import": ("added", "domains.domain")}
# The service or the receiver of these is tested in its app, and through the API's route.
CHANGES = {
    "ses_integration.rulesetstate",
    "domains.domain",
    "domains.domainaccess",
    "addresses.emailaddress",
    "endpoints.endpoint",
    "inbound.apikey",
    "auth.user",
    "auth.group",
}
# Action by model: what the log has then, or why nothing.
ACTIONS: dict[tuple[str, str], str] = {
    ("inbound.apikey", "revoke"): "revoked",
    ("auth.user", "deactivate"): "changed",
    ("mail.delivery", "retry_now"): "retried",
    ("mail.delivery", "deliver_again"): "retried",
    ("mail.delivery", "withdraw"): "withdrawn",
    ("mail.endpointgate", "try_now"): "retried",
    ("mail.eventnotice", "retry_now"): "retried",
    ("mail.eventnotice", "withdraw"): "withdrawn",
    ("mail.receivedemail", "release"): "released",
    ("mail.receivedemail", "delete_selected"): "deleted",
    ("endpoints.endpoint", "delete_selected"): "deleted",
    ("addresses.emailaddress", "delete_selected"): "deleted",
    ("addresses.deletedaddress", "restore"): "restored",
    ("addresses.deletedaddress", "extend"): "extended",
    ("addresses.deletedaddress", "end_period"): "ended",
    ("addresses.deletedaddress", "delete_selected"): "lifted",
    ("addresses.blockedemail", "delete_selected"): "deleted",
    ("domains.domain", "delete_selected"): "deleted",
    ("domains.domainaccess", "delete_selected"): "deleted",
    ("domains.domain", "push_to_ses"): "pushed",
    ("domains.domaindeletion", "retry"): "retried",
    ("domains.domaindeletion", "restore"): "restored",
    ("domains.domaindeletion", "extend"): "extended",
    ("domains.domaindeletion", "end_now"): "ended",
    ("ses_integration.domainsync", "push_to_ses"): "pushed",
    ("archives.import", "try_now"): "retried",
    ("auth.group", "delete_selected"): "deleted",
    ("domains.domain", "check_now"): "",
}


def request_of(superuser: User) -> Any:
    request = RequestFactory().get("/")
    request.user = superuser
    return request


@pytest.fixture
def superuser(transactional_db: None) -> User:
    return UserFactory(is_staff=True, is_superuser=True)


@pytest.fixture
def operator(superuser: User) -> Client:
    client = Client()
    client.force_login(superuser)
    return client


def test_every_page_and_action_that_writes_is_here(superuser):
    request = request_of(superuser)
    registry = {model._meta.label_lower: page for model, page in admin.site._registry.items()}
    assert {label for label, page in registry.items() if page.has_add_permission(request)} == set(ADDS)
    assert {label for label, page in registry.items() if page.has_change_permission(request)} - {
        "axes.accessattempt"
    } == CHANGES
    actions = {(label, name) for label, page in registry.items() for name in page.get_actions(request)}
    unknown = {pair for pair in actions - set(ACTIONS) if not pair[0].startswith("axes.")}
    assert not unknown


GRACE = {"restore", "extend", "end_now"}
ROWS: dict[str, Callable[[Rows], Any]] = {
    "inbound.apikey": lambda rows: issue_key(owner=rows.domain.owner, name="CI")[0],
    "auth.user": lambda rows: UserFactory(),
    "auth.group": lambda rows: Group.objects.create(name="guests"),
    "mail.delivery": lambda rows: rows.delivery,
    "mail.endpointgate": lambda rows: gate_of(rows),
    "mail.eventnotice": lambda rows: EventNotice.objects.create(
        endpoint=rows.endpoint, event="domain.deletion.proved", body="{}", retry_at=None
    ),
    "mail.receivedemail": lambda rows: rows.email,
    "endpoints.endpoint": lambda rows: rows.endpoint,
    "addresses.emailaddress": lambda rows: rows.address,
    "addresses.deletedaddress": lambda rows: DeletedAddressFactory(domain=rows.domain),
    "addresses.blockedemail": lambda rows: rows.blocked,
    "domains.domain": lambda rows: rows.domain,
    "domains.domainaccess": lambda rows: DomainAccess.objects.create(
        domain=rows.domain, user=UserFactory(), role="viewer"
    ),
    "domains.domaindeletion": lambda rows: DomainDeletion.objects.create(
        domain_id="gone", name="gone.example", owner=rows.domain.owner, rows=Step.DONE
    ),
    "ses_integration.domainsync": lambda rows: sync_of(rows),
    "archives.import": lambda rows: Import.objects.create(
        domain=rows.domain, state="running", failures=1, retry_at=timezone.now() + timedelta(hours=1)
    ),
}


def gate_of(rows: Rows) -> EndpointGate:
    Delivery.objects.update(state=Delivery.State.DUE, retry_at=rows.delivery.created_at)
    return EndpointGate.objects.create(endpoint=rows.endpoint)


def sync_of(rows: Rows) -> Any:
    return admin.site.get_model_admin(_model("ses_integration.domainsync")).model._default_manager.get(
        domain=rows.domain.name
    )


def _model(label: str) -> Any:
    return next(model for model in admin.site._registry if model._meta.label_lower == label)


@pytest.mark.parametrize(("model", "action"), [pair for pair, recorded in ACTIONS.items() if recorded])
def test_an_action_is_recorded_with_its_author(model, action, superuser, operator, rows):
    if (model, action) not in {
        (model, name) for name in admin.site.get_model_admin(_model(model)).get_actions(request_of(superuser))
    }:
        pytest.skip("this list has no such action")
    if (model, action) == ("mail.receivedemail", "release"):
        ReceivedEmail.objects.update(disposition=ReceivedEmail.Disposition.QUARANTINED)
    is_of_grace = model == "domains.domaindeletion" and action in GRACE
    row = in_grace(rows) if is_of_grace else ROWS[model](rows)
    last = Change.objects.latest("pk").pk
    values = {"action": action, "_selected_action": [row.pk], "index": "0"}
    page = operator.post(url(model, "changelist"), values)
    if page.status_code == 200:
        typed = {"typed": asked_to_type(text(page))} if "to confirm" in text(page) else {}
        operator.post(url(model, "changelist"), values | typed | {"post": "yes"})
    changes = Change.objects.filter(pk__gt=last).order_by("pk")
    first = changes.first()
    assert first is not None, page.content[-3000:]
    assert (first.action, first.door, first.who) == (ACTIONS[model, action], "admin", superuser.username)
    assert first.request_id


@pytest.mark.parametrize("model", [model for model, body in ADDS.items() if body])
def test_adding_is_recorded(model, superuser, operator, rows):
    last = Change.objects.latest("pk").pk
    body = ADDS[model]
    assert body is not None
    response = operator.post(url(model, "add"), body(rows))
    first = Change.objects.filter(pk__gt=last).order_by("pk").first()
    assert first is not None, response.content[-3000:]
    recorded = (first.action, first.object_type, first.door, first.who)
    assert recorded == (*RECORDED.get(model, ("added", model)), "admin", superuser.username)


def test_changing_is_recorded(superuser, operator, rows):
    key: ApiKey = ROWS["inbound.apikey"](rows)
    last = Change.objects.latest("pk").pk
    operator.post(url("inbound.apikey", "change", key.pk), {"name": "other"})
    operator.post(url("addresses.emailaddress", "change", rows.address.pk), {"endpoint": rows.endpoint.pk})
    operator.post(
        url("domains.domain", "change", rows.domain.pk),
        {"is_catch_all_enabled": "on", "catch_all_endpoint": rows.endpoint.pk},
    )
    state = RuleSetState.objects.get()
    operator.post(url("ses_integration.rulesetstate", "change", state.pk), {"recipients_per_rule": "77"})
    changes = Change.objects.filter(pk__gt=last).order_by("pk")
    assert [(change.action, change.object_type, change.door, change.after) for change in changes] == [
        ("changed", "inbound.apikey", "admin", {"name": "other"}),
        ("changed", "addresses.emailaddress", "admin", {"isActive": False}),
        ("changed", "domains.domain", "admin", {"isCatchAllEnabled": True, "catchAllEndpointId": rows.endpoint.pk}),
        ("changed", "ses_integration.rulesetstate", "admin", {"recipientsPerRule": 77}),
    ]
