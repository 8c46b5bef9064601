"""The commands list_api_keys and revoke_api_key."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from inbound.models import ApiKey, Scope, hash_key, issue_key, revoke_key
from inbound.tests.support.factories import UserFactory
from ses_integration.tests.commands.run import run

pytestmark = pytest.mark.sqlite


@pytest.fixture
def key(transactional_db) -> tuple[ApiKey, str]:
    return issue_key(owner=UserFactory(username="jo"), name="laptop", scopes=[Scope.READ, Scope.WRITE])


def test_keys_are_listed_without_the_key_itself(key):
    row, secret = key
    code, text = run("list_api_keys")
    head, _, line = text.splitlines()
    assert (code, head.split()[:5]) == (0, ["ID", "KEY", "NAME", "OWNER", "SCOPES"])
    assert line.split() == [str(row.pk), f"{row.start}…", "laptop", "jo", "read,", "write", "usable", "never", "never"]
    assert secret not in text
    assert row.key_hash not in run("list_api_keys", "--json", "--all")[1]


def test_only_usable_keys_are_listed_unless_all_are_wanted(key):
    row, _ = key
    revoke_key(row)
    expired, _ = issue_key(owner=row.owner, name="old", expires_at=timezone.now() - timedelta(days=1))
    UserFactory(username="al")
    assert run("list_api_keys") == (0, "There is no such key. create_api_key issues one.\n")
    assert [it["state"].partition(" ")[0] for it in json.loads(run("list_api_keys", "--all", "--json")[1])["keys"]] == [
        "revoked",
        "expired",
    ]
    assert json.loads(run("list_api_keys", "--all", "--json", "--user", "al")[1]) == {"keys": []}
    assert expired.name in run("list_api_keys", "--all", "--user", "JO")[1]


@pytest.mark.parametrize("by", ["id", "start", "start with dots", "key"])
def test_a_key_is_revoked_by_what_is_known_of_it(key, by, answer):
    row, secret = key
    text = {"id": str(row.pk), "start": row.start, "start with dots": f"{row.start}…", "key": secret}[by]
    answer("y")
    code, said = run("revoke_api_key", text)
    assert (code, said) == (0, f"laptop ({row.start}…) of jo: read, write; never used.\nRevoked.\n")
    row.refresh_from_db()
    assert row.revoked_at is not None
    assert run("revoke_api_key", text, "--yes")[1].startswith(f"laptop ({row.start}…) of jo was revoked ")


def test_a_no_revokes_nothing_and_a_pipe_is_not_asked(key, answer, monkeypatch):
    row, _ = key
    answer("n")
    assert run("revoke_api_key", row.start)[1].endswith("\nNothing was done.\n")
    monkeypatch.setattr("sys.stdin", StringIO("y\n"))
    with pytest.raises(CommandError, match="There is nobody to ask"):
        run("revoke_api_key", row.start)
    assert ApiKey.objects.usable().exists()


def test_an_unknown_key_is_not_repeated_in_the_error(key):
    with pytest.raises(CommandError, match=r"^There is no such key\. list_api_keys --all shows all\.$"):
        run("revoke_api_key", "inb_secret", "--yes")


def test_keys_that_begin_alike_are_told_apart_by_id(key):
    row, _ = key
    other, _ = issue_key(owner=row.owner, name="other")
    ApiKey.objects.filter(pk=other.pk).update(start=row.start)
    with pytest.raises(CommandError, match=rf"Several keys begin like this\. Give an id: {row.pk}, {other.pk}\."):
        run("revoke_api_key", row.start, "--yes")


def test_json_is_alone_on_stdout(key, capsys):
    row, secret = key
    for _ in range(2):
        call_command("revoke_api_key", str(row.pk), "--yes", "--json")
        printed = json.loads(capsys.readouterr().out)
        assert (printed["id"], bool(printed["revokedAt"])) == (row.pk, True)
    call_command("create_api_key", "jo", "--name", "script", "--json")
    printed = json.loads(capsys.readouterr().out)
    assert ApiKey.objects.get(pk=printed["id"]).key_hash == hash_key(printed["key"])
    assert (printed["name"], printed["owner"], printed["key"] == secret) == ("script", "jo", False)
