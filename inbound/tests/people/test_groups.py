"""The ready groups: what `migrate` makes of them, and what each may do in the admin."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client

from inbound.people.groups import GROUPS, create_groups
from inbound.tests.support.admin_site import count_statements, text, url
from inbound.tests.support.factories import UserFactory

# Lists that each group opens, beyond those of the group before.
VIEWED = [
    "domains.domain", "domains.domaindeletion", "addresses.emailaddress", "addresses.blockedemail", "endpoints.endpoint",
    "mail.receivedemail", "mail.delivery", "ses_integration.domainsync", "inbound.apikey", "auth.user",
]  # fmt: skip
ADDED = ["domains.domain", "addresses.emailaddress", "addresses.blockedemail", "endpoints.endpoint"]
ADMINISTERED = ["inbound.apikey", "auth.user"]


@pytest.fixture
def groups(transactional_db) -> None:
    create_groups()


def signed_in(client: Client, group: str) -> User:
    user: User = UserFactory(is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client.force_login(user)
    return user


def test_each_group_has_exactly_its_permissions(groups):
    create_groups()
    held = {group.name: set(group.permissions.values_list("codename", flat=True)) for group in Group.objects.all()}
    assert set(held) == set(GROUPS)
    assert held["viewer"] < held["operator"] < held["administrator"]
    assert all(codename.startswith("view_") for codename in held["viewer"])
    assert {"add_domain", "delete_domain", "change_delivery", "delete_receivedemail"} <= held["operator"]
    assert not held["operator"] & {"add_apikey", "change_apikey", "add_user", "change_user", "change_group"}
    assert {"add_apikey", "change_apikey", "add_user", "change_user"} <= held["administrator"]
    assert not held["administrator"] & {"delete_user", "add_group", "change_group", "delete_group", "delete_apikey"}


def test_what_is_not_of_a_group_is_taken_back_by_migrate(groups):
    viewer = Group.objects.get(name="viewer")
    viewer.permissions.add(Permission.objects.get(codename="delete_domain"))
    create_groups()
    assert not viewer.permissions.filter(codename="delete_domain").exists()


def test_a_group_that_had_the_name_before_keeps_its_members_and_permissions(transactional_db):
    member = UserFactory()
    member.groups.add(Group.objects.create(name="operator"))
    Group.objects.create(name="operator (own)")
    migration = import_module("inbound.migrations.0002_names_for_ready_groups")
    with connection.schema_editor() as editor:
        migration.rename_groups(apps, editor)
    assert [group.name for group in member.groups.all()] == ["operator (own) (own)"]


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_sees_the_lists(groups, ses, client: Client, group: str):
    signed_in(client, group)
    answers = {model: client.get(url(model, "changelist")).status_code for model in VIEWED}
    assert answers == dict.fromkeys(VIEWED, 200)


@pytest.mark.parametrize(
    ("group", "adds"), [("viewer", []), ("operator", ADDED), ("administrator", [*ADDED, *ADMINISTERED])]
)
def test_each_group_adds_what_it_may(groups, ses, client: Client, group: str, adds: list[str]):
    signed_in(client, group)
    opened = [model for model in [*ADDED, *ADMINISTERED] if client.get(url(model, "add")).status_code == 200]
    assert opened == adds


def test_nobody_changes_a_ready_group(groups, admin_client: Client):
    ready, own = Group.objects.get(name="viewer"), Group.objects.create(name="own")
    assert admin_client.post(url("auth.group", "change", ready.pk), {"name": "x"}).status_code == 403
    assert admin_client.post(url("auth.group", "delete", ready.pk), {"post": "yes"}).status_code == 403
    admin_client.post(url("auth.group", "change", own.pk), {"name": "renamed"})
    assert set(Group.objects.values_list("name", flat=True)) == {*GROUPS, "renamed"}
    assert "viewer" in text(admin_client.get(url("auth.group", "changelist")))


def test_the_page_of_a_group_needs_no_statement_for_each_permission(groups, admin_client: Client):
    assert count_statements(admin_client, url("auth.group", "change", Group.objects.get(name="viewer").pk)) < 10


def test_the_document_names_every_group():
    page = (settings.BASE_DIR / "docs/people.md").read_text()
    assert [name for name in GROUPS if f"| `{name}` |" not in page] == []
