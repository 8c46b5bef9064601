"""Users in the admin: they are deactivated, and nobody gets more permissions than they have."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.test import Client

from domains.models import Domain
from domains.sharing.service import share
from inbound.models import issue_key
from inbound.people.groups import create_groups
from inbound.tests.support.admin_site import post, run_action, staff, text, url
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory, UserFactory

USERS = url("auth.user", "changelist")


def deletion(user: User) -> str:
    return url("auth.user", "delete", user.pk)


def page(user: User) -> str:
    return url("auth.user", "change", user.pk)


def form(user: User, **changed: Any) -> dict[str, Any]:
    return {"username": user.username, "is_active": "on", "is_staff": "on", **changed}


@pytest.fixture
def owner(ses) -> User:
    owner: User = UserFactory(username="jo")
    domain = DomainFactory(owner=owner, name="example.com")
    EmailAddressFactory(domain=domain, address="a@example.com")
    EmailAddressFactory(domain=domain, address="b@example.com")
    issue_key(owner=owner, name="ci")
    return owner


def test_the_page_that_would_delete_says_what_deactivation_does(owner, admin_client: Client):
    shown = text(admin_client.get(deletion(owner)))
    assert "Deactivate jo?" in shown
    assert "Users are not deleted" in shown
    assert "1 API key stops working. It works again if the user is activated." in shown
    assert "1 domain with 2 addresses stays: mail is received, stored and delivered as before." in shown
    nobody = text(admin_client.get(deletion(UserFactory())))
    assert "There is no API key that could be used." in nobody
    assert "There is no domain, so no mail is concerned." in nobody


def test_the_page_says_what_becomes_of_shared_domains(owner, api, admin_client: Client, user):
    assert "access" not in text(admin_client.get(deletion(owner))).partition("Signing in")[2]
    share(domain=Domain.objects.get(), user=user, role="viewer")
    given = text(admin_client.get(deletion(owner)))
    assert "Others keep their access to the user's domains." in given
    taken = text(admin_client.get(deletion(user)))
    assert "The access to 1 domain of others stays, and works again if the user is activated." in taken
    post(admin_client, deletion(owner), post="yes")
    assert [row["domain"] for row in api.get("/api/v2/domains").json()["data"]] == ["example.com"]


def test_a_user_is_deactivated_and_all_rows_stay(owner, api, admin_client: Client, user):
    assert api.get("/api/v2/domains").status_code == 200
    _, messages = post(admin_client, deletion(user), post="yes")
    assert messages == [("success", f"Deactivated 1 user: {user}.")]
    user.refresh_from_db()
    assert not user.is_active
    assert api.get("/api/v2/domains").status_code == 401
    assert LogEntry.objects.get().is_change()
    assert User.objects.filter(pk=owner.pk, is_active=True).exists()


def test_selected_users_are_deactivated_after_a_page_that_asks(owner, user, admin_client: Client):
    chosen = {"_selected_action": [owner.pk, user.pk], "action": "deactivate", "index": "0"}
    shown = text(admin_client.post(USERS, chosen))
    assert "Deactivate 2 users?" in shown
    assert User.objects.filter(is_active=False).count() == 0
    _, messages = post(admin_client, USERS, **chosen, post="yes")
    assert messages == [("success", f"Deactivated 2 users: {', '.join(sorted([owner.username, user.username]))}.")]
    assert not User.objects.filter(pk__in=[owner.pk, user.pk], is_active=True).exists()


def test_no_action_deletes_users(owner, admin_client: Client):
    assert "Delete selected" not in text(admin_client.get(USERS))
    run_action(admin_client, "auth.user", "delete_selected", [owner])
    assert User.objects.filter(pk=owner.pk).exists()


def test_nobody_deactivates_themselves(admin_user, admin_client: Client):
    own = {**form(admin_user), "is_active": ""}
    assert "You cannot deactivate yourself." in text(admin_client.post(page(admin_user), own))
    assert post(admin_client, deletion(admin_user), post="yes")[1] == [("error", "You cannot deactivate yourself.")]
    assert post(admin_client, USERS, action="deactivate", _selected_action=[admin_user.pk], index="0")[1] == [
        ("error", "You cannot deactivate yourself.")
    ]
    admin_user.refresh_from_db()
    assert admin_user.is_active


def test_a_user_that_is_gone_is_reported(admin_client: Client):
    path = url("auth.user", "delete", 4711)
    assert post(admin_client, path, post="yes")[1] == [("error", "There is no such user.")]


def test_an_administrator_does_not_touch_a_superuser(admin_user, client: Client):
    create_groups()
    me = staff(client)
    me.groups.add(Group.objects.get(name="administrator"))
    assert client.get(page(admin_user)).status_code == 200
    password = url("auth.user", "password_change", admin_user.pk).replace("_password_change", "")
    for path in (page(admin_user), deletion(admin_user), password):
        assert client.post(path, form(admin_user, post="yes")).status_code == 403
    run_action(client, "auth.user", "deactivate", [admin_user])
    admin_user.refresh_from_db()
    assert admin_user.is_active


def test_nobody_gives_permissions_that_they_do_not_have(transactional_db, client: Client):
    create_groups()
    me = staff(client, "auth.view_user", "auth.change_user")
    other = UserFactory()
    administrator = Group.objects.get(name="administrator")
    more = {"is_superuser": "on", "user_permissions": [1], "groups": [administrator.pk]}
    for target in (me, other):
        client.post(page(target), form(target, **more))
        client.post(page(target), form(target, is_superuser="on", user_permissions=[1]))
        target.refresh_from_db()
        assert (target.is_superuser, target.groups.count()) == (False, 0)
    assert other.user_permissions.count() == 0
    # Not even by way of a user who has them, active or not.
    other.groups.add(administrator)
    User.objects.filter(pk=other.pk).update(is_active=False)
    assert client.post(page(other), form(other)).status_code == 403


def test_an_administrator_puts_users_into_groups(transactional_db, client: Client):
    create_groups()
    me = staff(client)
    me.groups.add(Group.objects.get(name="administrator"))
    other, operator = UserFactory(), Group.objects.get(name="operator")
    assert client.post(page(other), form(other, groups=[operator.pk])).status_code == 302
    assert [group.name for group in other.groups.all()] == ["operator"]
