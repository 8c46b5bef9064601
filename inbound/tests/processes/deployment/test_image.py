"""The Dockerfile, and its commands with the files and packages of the image."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from inbound.settings import BASE_DIR
from inbound.tests.processes.deployment.files import DEPLOY, run, settings_in
from inbound.tests.processes.deployment.image import DOCKERFILE, Image, command, stage
from inbound.tests.processes.support.clients import Api
from inbound.tests.processes.support.stack import Process, Stack, free_port

pytestmark = [pytest.mark.processes, pytest.mark.postgresql]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return Image(tmp_path_factory.mktemp("image"))


@pytest.fixture
def environ(stack: Stack, image: Image) -> Iterator[dict[str, str]]:
    """The settings of the stack, in the environment of the image."""
    before = files(image)
    stack.emulator.start()
    yield {**stack.env, "PATH": f"{image.bin}:/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
    stack.emulator.stop()
    # The file system of a container may be read-only.
    assert files(image) == before


def files(image: Image) -> set[Path]:
    return {*image.files.rglob("*")}


def test_hadolint_finds_nothing():
    done = run("hadolint", str(DEPLOY / "Dockerfile"))
    assert (done.stdout, done.returncode) == ("", 0)


def test_no_process_is_root_and_none_owns_the_code():
    application = stage("application")
    assert re.search(r"^USER 10001:10001$", application, re.MULTILINE)
    assert "COPY . ." in application
    assert "--chown" not in DOCKERFILE


def test_the_last_stage_has_only_what_production_needs():
    assert DOCKERFILE.strip().endswith(stage("inbound").strip())
    assert "COPY --from=packages /opt/venv" in stage("inbound")
    assert "requirements-production.txt" in stage("packages")


def test_the_image_has_all_apps_and_no_tests(image):
    names = {file.name for file in image.files.iterdir()}
    assert {app.parent.name for app in BASE_DIR.glob("*/apps.py")} <= names
    assert not [file for file in image.files.rglob("*") if "tests" in file.parts]
    assert not names & {"docs", "bench", "conftest.py", ".git", ".venv"}


def test_packages_of_tests_are_not_there(image):
    for name in ("pytest", "moto", "factory"):
        done = image.manage("shell", "-c", f"import {name}", env={"DEBUG": "on", "PATH": "/usr/bin:/bin"})
        assert f"No module named '{name}'" in done.stderr


def test_the_documented_settings_of_production_pass_every_check(image):
    settings = settings_in(DEPLOY / "inbound.env") | {
        "SECRET_KEY": "r4nd0m-text-that-is-longer-than-fifty-characters-and-not-published",
        "S3_BUCKET_NAME": "mail-example-net",
        "INSTALLATION_ID": "example-net",
        "SES_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:mail",
        "SES_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/mail",
        "SES_CONFIGURATION_SET": "inbound",
    }
    done = image.manage("check", "--deploy", "--fail-level", "INFO", env={**settings, "PATH": "/usr/bin:/bin"})
    assert (done.stdout, done.stderr) == ("System check identified no issues (2 silenced).\n", "")


def test_migrations_run(image, environ):
    assert "No migrations to apply." in image.manage("migrate", env=environ).stdout


def test_the_server_answers_the_health_check_of_the_image(image, environ, tmp_path):
    port = free_port()
    api = Api(port)
    server = Process(
        image.resolve(command("inbound")),
        {**environ, "BIND": f"127.0.0.1:{port}"},
        tmp_path / "web.log",
        lambda _: api.up(),
        image.files,
    )
    check = [word.replace(":8000", f":{port}") for word in command("inbound", "HEALTHCHECK")]
    server.start()
    try:
        assert run_in(image, check, environ).returncode == 0
    finally:
        server.stop()
    assert run_in(image, check, environ).returncode != 0


@pytest.mark.parametrize("words", ["ses_worker", "mail_worker"])
def test_a_worker_starts_and_stops(image, environ, tmp_path, words):
    worker = Process(
        image.resolve(["python", "manage.py", words]),
        environ,
        tmp_path / "worker.log",
        lambda text: "is running" in text,
        image.files,
    )
    worker.start()
    worker.stop()
    assert "has stopped." in worker.text
    assert "Traceback" not in worker.text


def run_in(image: Image, words: list[str], env: dict[str, str]):
    return subprocess.run(image.resolve(words), cwd=image.files, env=env, capture_output=True, timeout=60, check=False)
