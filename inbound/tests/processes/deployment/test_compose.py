"""The compose file: what it starts, and with which rights. No Docker is needed."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
import yaml

from inbound.configuration.declared import Configuration
from inbound.demo.processes import read_procfile
from inbound.settings import BASE_DIR
from inbound.tests.processes.deployment.files import DEPLOY, settings_in
from inbound.tests.processes.deployment.image import command, stage

pytestmark = pytest.mark.sqlite_only

COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("migrate", "web", "worker", "mail")
# The keys of a service in the compose specification that we use.
KNOWN = {
    "build", "cap_drop", "command", "depends_on", "env_file", "environment", "expose", "healthcheck", "image", "init", "ports",
    "profiles", "read_only", "restart", "security_opt", "shm_size", "stop_grace_period", "volumes",
}  # fmt: skip


def test_the_copy_that_gets_the_secrets_is_not_committed():
    [copy] = re.findall(r"^cp inbound\.env (\S+)", (BASE_DIR / "docs/deploy.md").read_text(), re.MULTILINE)
    assert f"deploy/{copy}" in (BASE_DIR / ".gitignore").read_text().splitlines()
    assert f"deploy/{copy} (compose)" in (DEPLOY / "inbound.env").read_text()


def test_the_file_has_only_keys_of_the_specification():
    assert COMPOSE.keys() == {"name", "services", "volumes", "x-inbound", "x-worker"}
    assert {key for service in SERVICES.values() for key in service} <= KNOWN


def test_it_runs_the_processes_of_the_procfile():
    commands = {shlex.join(SERVICES[name].get("command") or command("inbound")) for name in OURS}
    assert commands == {*read_procfile(BASE_DIR / "Procfile").values(), "python manage.py migrate"}


def test_migrations_are_done_before_anything_uses_the_database():
    assert SERVICES["migrate"]["depends_on"] == {"db": {"condition": "service_healthy"}}
    for name in {*OURS} - {"migrate"}:
        assert SERVICES[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert SERVICES["migrate"]["restart"] == "no"


@pytest.mark.parametrize("name", OURS)
def test_a_process_has_no_rights_that_it_does_not_need(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["volumes"] == ["/tmp"]  # noqa: S108


def test_nothing_is_published_beyond_this_machine():
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_only_the_profile_starts_the_emulator():
    assert [name for name, service in SERVICES.items() if "profiles" in service] == ["emulator"]
    assert SERVICES["emulator"]["build"]["target"] == "emulator"
    assert stage("emulator")


@pytest.mark.parametrize("name", ["inbound.env", "emulator.env"])
def test_the_settings_are_ours(name):
    found = settings_in(DEPLOY / name)
    assert found.keys() <= {variable.name for variable in Configuration.declared()}
    if name == "emulator.env":
        Configuration(found)


def test_every_variable_of_the_file_is_explained():
    named = {*re.findall(r"\$\{([A-Z_]+)", (DEPLOY / "compose.yaml").read_text())}
    text = (BASE_DIR / "docs" / "deploy.md").read_text()
    assert named == {"POSTGRES_PASSWORD", "INBOUND_ENV", "PORT"}
    assert all(name in text for name in named - {"PORT"})
