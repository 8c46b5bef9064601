from __future__ import annotations

import threading

import pytest
from django.contrib.auth.models import User

from audit.actions import Action
from audit.models import Change
from audit.origin import Door, Origin, acting, author, of_command
from audit.record import Entry, member, record, record_change
from inbound.tests.support.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def row(transactional_db: None) -> User:
    return User(pk=7, username="alice")


def test_an_entry_has_the_origin_of_the_thread(row):
    origin = Origin(Door.API, who="alice", key="inb_1a2b CI", remote="192.0.2.1", request_id="r1")
    with acting(origin):
        record(Entry.of(Action.ADDED, row, 7, after={"isActive": True}))
    change = Change.objects.get()
    assert (change.door, change.who, change.key, change.remote, change.request_id, change.via) == (
        "api", "alice", "inb_1a2b CI", "192.0.2.1", "r1", "",
    )  # fmt: skip
    assert (change.object_type, change.object_id, change.object_name, change.owner_id) == ("auth.user", "7", "alice", 7)
    assert (change.action, change.before, change.after) == ("added", None, {"isActive": True})


def test_outside_of_any_door_it_is_a_command():
    record()
    assert not Change.objects.exists()
    record(Entry(Action.SET_UP, "ses_integration.rulesetstate", "mail", "mail"))
    assert Change.objects.get().door == "command"


def test_a_change_has_only_the_members_that_differ(row):
    record_change(row, 7, {"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4})
    record_change(row, 7, {"a": 1}, {"a": 1})
    change = Change.objects.get()
    assert (change.before, change.after) == ({"b": 2, "c": None}, {"b": 3, "c": 4})


def test_members_are_named_as_in_the_api():
    assert list(map(member, ["name", "is_active", "catch_all_endpoint_id"])) == [
        "name", "isActive", "catchAllEndpointId",
    ]  # fmt: skip


def test_a_new_thread_does_not_act_for_another_one(row):
    with acting(Origin(Door.API, who="alice")):
        thread = threading.Thread(target=lambda: seen.append(author("bob")))
        seen: list[str] = []
        thread.start()
        thread.join()
    assert seen == ["bob"]


def test_the_author_names_the_key():
    with acting(Origin(Door.API, who="alice", key="inb_1a2b CI at home")):
        assert author("alice") == "alice (key inb_1a2b)"
        assert author("(claim ended)") == "(claim ended)"
    assert author("alice") == "alice"


@pytest.mark.parametrize("error", [KeyError("uid"), OSError("no entry")])
def test_an_account_of_the_shell_needs_no_name(monkeypatch, error):
    def fail() -> str:
        raise error

    monkeypatch.setattr("getpass.getuser", fail)
    assert of_command("ses_sync") == Origin(Door.COMMAND, via="ses_sync")


def test_users_are_recorded_without_their_passwords():
    user = UserFactory(username="alice")
    user.email = "alice@example.com"
    user.set_password("a new one")
    user.save()
    user.save(update_fields=["last_login"])
    user.is_active = False
    user.save(update_fields=["is_active"])
    user.delete()
    added, changed, inactive, deleted = Change.objects.order_by("pk")
    assert (added.action, added.after["username"], deleted.action) == ("added", "alice", "deleted")
    assert changed.after == {"email": "alice@example.com", "password": "changed"}
    assert (inactive.before, inactive.after) == ({"isActive": True}, {"isActive": False})
    assert "a new one" not in str([change.after for change in Change.objects.all()])
