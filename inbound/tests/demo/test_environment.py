"""The demo's environment variables."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from inbound.demo import readiness
from inbound.demo.environment import DemoEnvironment, DemoError
from inbound.demo.seed import Account


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1"])
def test_an_invalid_port_is_refused(port: str) -> None:
    with pytest.raises(DemoError, match=re.escape(f"PORT is {port!r}; it must be a port")):
        DemoEnvironment.from_variables({"PORT": port})


@pytest.mark.parametrize(
    ("name", "port"),
    [("PORT", "5599"), ("AWS_EMULATOR_PORT", "5598"), ("DEMO_DNS_PORT", "8000"), ("DEMO_SMTP_PORT", "8000")],
)
def test_the_same_port_for_two_servers_is_refused(name: str, port: str) -> None:
    with pytest.raises(DemoError, match="must differ"):
        DemoEnvironment.from_variables({name: port})


def test_variables_of_a_real_account_are_removed(tmp_path: Path) -> None:
    shell = {
        "AWS_PROFILE": "production",
        "AWS_SESSION_TOKEN": "secret",
        "AWS_ENDPOINT_URL_SES": "https://email.eu-west-1.amazonaws.com",
        "AWS_ACCESS_KEY_ID": "AKIAREAL",
        "SES_RULE_SET": "production",
        "MAIL_RETENTION_DAYS": "1",
        "WEBHOOK_REQUIRE_HTTPS": "true",
        "BLOCKED_MAIL_DAYS": "0",
        "DELIVERY_LOG_DAYS": "1",
        "SMTP_HOST": "mail.example.net",
        "DATABASE_URL": "postgres://production",
        "http_proxy": "http://proxy.example",
        "HOME": "/home/me",
        "DEMO_DIR": str(tmp_path / "a folder"),
    }
    demo = DemoEnvironment.from_variables(shell)
    variables = demo.variables(shell)
    removed = {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_SES", "SES_RULE_SET", "MAIL_RETENTION_DAYS"}
    removed |= {"WEBHOOK_REQUIRE_HTTPS", "BLOCKED_MAIL_DAYS", "DELIVERY_LOG_DAYS"}
    assert not removed & variables.keys()
    assert variables["AWS_ENDPOINT_URL"] == "http://127.0.0.1:5599"
    assert variables["AWS_ACCESS_KEY_ID"] == "demo"
    assert variables["SMTP_HOST"] == "127.0.0.1"
    assert variables["AWS_CONFIG_FILE"] == os.devnull
    assert variables["DATABASE_URL"] == f"sqlite:///{tmp_path}/a%20folder/inbound.sqlite3"
    assert variables["no_proxy"] == "127.0.0.1"
    assert variables["HOME"] == "/home/me"
    assert demo.variables(variables) == variables


def test_grace_periods_of_the_shell_are_those_of_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    demo = DemoEnvironment.from_variables({"DEMO_DIR": str(tmp_path)})
    account = Account(key="key", password="password")
    for name in ("DOMAIN_DELETE_GRACE_DAYS", "ADDRESS_DELETE_GRACE_DAYS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in demo.variables({}).items():
        monkeypatch.setenv(name, value)
    without = readiness.values(demo, account)
    assert not any("GRACE_DAYS" in name for name in without)
    for name, value in demo.variables({"DOMAIN_DELETE_GRACE_DAYS": "7", "ADDRESS_DELETE_GRACE_DAYS": "8"}).items():
        monkeypatch.setenv(name, value)
    grace = {"DOMAIN_DELETE_GRACE_DAYS": "7", "ADDRESS_DELETE_GRACE_DAYS": "8"}
    assert readiness.values(demo, account) == without | grace


@pytest.mark.parametrize("folder", ["file", "file/below", "a" * 300])
def test_a_folder_that_cannot_be_used_is_reported(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").touch()
    demo = DemoEnvironment.from_variables({"DEMO_DIR": str(tmp_path / folder)})
    with pytest.raises(DemoError, match=r"The demo cannot use the folder .* Set DEMO_DIR to another one"):
        demo.make_folder()
