"""API keys in the admin, and the site itself."""

from __future__ import annotations

import re
from datetime import timedelta

from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from inbound.models import ApiKey, Scope, hash_key, issue_key
from inbound.tests.support.admin_site import (
    assert_constant_statements,
    delete_selected,
    post,
    run_action,
    staff,
    text,
    url,
)
from inbound.tests.support.factories import UserFactory

KEYS = url("inbound.apikey", "changelist")
ADD = url("inbound.apikey", "add")


def page(key: ApiKey) -> str:
    return url("inbound.apikey", "change", key.pk)


def test_the_site_has_its_name(user, admin_client: Client):
    shown = text(admin_client.get("/admin/"))
    for entry in ("Desk", "Domains", "Addresses", "Endpoints", "API keys", "Under the hood"):
        assert entry in shown
    assert "View site" not in shown


def test_every_page_opens_without_key_or_hash(user, admin_client: Client):
    row, key = issue_key(owner=user, name="ci")
    for path in (
        *(KEYS, f"{KEYS}?q=ci&state=usable", f"{KEYS}?state=revoked", f"{KEYS}?state=expired"),
        *(ADD, page(row), url("inbound.apikey", "history", row.pk)),
    ):
        response = admin_client.get(path, follow=True)
        assert response.status_code == 200, path
        assert key not in text(response)
        assert row.key_hash not in text(response)


def test_the_number_of_statements_does_not_depend_on_the_number_of_keys(user, admin_client: Client):
    assert_constant_statements(admin_client, KEYS, lambda: issue_key(owner=UserFactory(), name="ci"))


def test_a_key_is_issued_and_shown_exactly_once(user, admin_client: Client):
    tomorrow = timezone.now() + timedelta(days=1)
    values = {"name": "ci", "owner": user.pk, "can_read": "on"}
    expiry = {"expires_at_0": f"{tomorrow:%Y-%m-%d}", "expires_at_1": "12:00:00"}
    response = admin_client.post(ADD, {**values, **expiry})
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    [key] = re.findall(r"inb_[\w-]{43}", text(response))
    row = ApiKey.objects.get()
    assert row.key_hash == hash_key(key)
    assert (row.owner, row.allows(Scope.READ), row.allows(Scope.DELETE)) == (user, True, False)
    assert row.expires_at is not None
    assert row.expires_at.date() == tomorrow.date()
    assert page(row) in text(response)
    for path in (KEYS, page(row), url("inbound.apikey", "history", row.pk)):
        assert key not in text(admin_client.get(path, follow=True))
    assert key not in str([*LogEntry.objects.values(), *(one.get_decoded() for one in Session.objects.all())])


def test_a_key_without_permissions_or_that_has_expired_is_not_issued(user, admin_client: Client):
    values = {"name": "ci", "owner": user.pk}
    assert "Choose at least one permission." in text(admin_client.post(ADD, values))
    past = {"can_read": "on", "expires_at_0": "2020-01-01", "expires_at_1": "12:00:00"}
    assert "This is in the past." in text(admin_client.post(ADD, {**values, **past}))
    assert not ApiKey.objects.exists()


def test_only_the_name_can_be_changed(user, admin_client: Client):
    row, _ = issue_key(owner=user, name="ci", scopes=[Scope.READ])
    other = {"owner": UserFactory().pk, "can_delete": "on", "key_hash": "0" * 64, "start": "inb_xxxx"}
    post(admin_client, page(row), name="build", **other)
    before = {field: getattr(row, field) for field in ("owner_id", "can_delete", "key_hash", "start")}
    row.refresh_from_db()
    assert row.name == "build"
    assert before == {field: getattr(row, field) for field in before}


def test_keys_are_revoked_and_their_rows_stay(user, api, admin_client: Client):
    keys = [*ApiKey.objects.all(), issue_key(owner=user, name="ci")[0]]
    assert api.get("/api/v2/domains").status_code == 200
    assert run_action(admin_client, "inbound.apikey", "revoke", keys)[1] == [("success", "Revoked 2 keys.")]
    assert api.get("/api/v2/domains").status_code == 401
    assert run_action(admin_client, "inbound.apikey", "revoke", keys)[1] == [("success", "Revoked 0 keys.")]
    assert LogEntry.objects.count() == 2
    assert admin_client.post(url("inbound.apikey", "delete", keys[0].pk), {"post": "yes"}).status_code == 403
    delete_selected(admin_client, "inbound.apikey", keys)
    assert ApiKey.objects.count() == 2


def test_staff_need_permissions(user, client: Client):
    row, _ = issue_key(owner=user, name="ci")
    staff(client, "inbound.view_apikey")
    assert client.get(page(row)).status_code == 200
    assert client.post(ADD, {"name": "x", "owner": user.pk, "can_read": "on"}).status_code == 403
    run_action(client, "inbound.apikey", "revoke", [row])
    assert ApiKey.objects.usable().count() == 1
    staff(client)
    assert client.get(KEYS).status_code == 403
