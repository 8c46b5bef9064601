"""A wrong variable ends every process with one line on stderr and exit code 1."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from inbound.settings import BASE_DIR

pytestmark = pytest.mark.processes

GUNICORN = [sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0"]
WRONG = {
    "DATABASE_URL": "postgres://user:s3cr3t/s3cr3t@host/db",
    "KEEP_MAIL_ON_DOMAIN_DELETE": '"true"',
    "PORT": "http",
}
LINES = [
    "DATABASE_URL is not the URL of a PostgreSQL database, such as postgres://user:password@host/inbound; if a user name or "
    "password contains / ? # @ % or a blank, write it percent-encoded, such as %2F for /.",
    "KEEP_MAIL_ON_DOMAIN_DELETE is in quotes, which would be part of the value; remove them.",
    "PORT is 'http'; it must be a port, a whole number from 1 to 65535.",
]


def run(*command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command],
        cwd=BASE_DIR,
        env={"PATH": os.environ["PATH"], "SECRET_KEY": "s3cr3t", **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def manage(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "manage.py", *arguments, **environ)


@pytest.mark.parametrize(
    "command",
    ["help", "check", "migrate", "runserver", "ses_status", "ses_doctor", "demo", "aws_emulator", "plan_delete x.org"],
)
def test_every_command_says_what_is_wrong_and_ends(command):
    done = manage(*command.split(), **WRONG)
    assert (done.returncode, done.stdout, done.stderr.splitlines()) == (1, "", LINES)


def test_gunicorn_says_what_is_wrong_and_ends():
    done = run(*GUNICORN, "inbound.wsgi", **WRONG)
    assert (done.returncode, done.stdout, done.stderr.splitlines()) == (1, "", LINES)


def test_gunicorn_does_not_start_without_a_secret_key():
    done = run(*GUNICORN, "inbound.wsgi", SECRET_KEY="")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "SECRET_KEY is not set; it must be a long random text.\n"


def test_gunicorn_does_not_restart_workers_that_cannot_start_if_its_settings_come_from_elsewhere(tmp_path):
    (tmp_path / "gunicorn.conf.py").touch()
    done = run(*GUNICORN, "--config", str(tmp_path / "gunicorn.conf.py"), "inbound.wsgi", DEBUG="maybe")
    assert done.returncode == 3
    assert "DEBUG is 'maybe'; it must be true or false." in done.stderr.splitlines()
    assert "Traceback" not in done.stderr


def test_reading_the_variables_does_not_load_django_into_the_master_of_gunicorn():
    done = run(sys.executable, "-c", "import sys, inbound.configuration.declared; print('django' in sys.modules)")
    assert (done.returncode, done.stdout) == (0, "False\n")


@pytest.mark.parametrize("secret", ["$HOME", "$ecret", "${SECRET_KEY}"])
def test_a_secret_key_that_begins_with_a_dollar_sign_is_taken_literally(secret):
    done = manage(
        "shell", "--no-imports", "-c", "from django.conf import settings; print(settings.SECRET_KEY)", SECRET_KEY=secret
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{secret}\n", "")


def test_a_database_without_migrations_is_reported_in_one_sentence(tmp_path):
    done = manage("ses_status", DATABASE_URL=f"sqlite:///{tmp_path}/empty.sqlite3")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("The database cannot be used: no such table")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["nope", "nope.settings", "inbound.setings"])
@pytest.mark.parametrize("command", ["check", "ses_status"])
def test_a_settings_module_that_does_not_exist_is_named(name, command):
    done = manage(command, DJANGO_SETTINGS_MODULE=name)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"DJANGO_SETTINGS_MODULE is {name!r}, which is not a module; remove it.\n"


def test_an_empty_settings_module_counts_as_not_set():
    assert manage("help", DJANGO_SETTINGS_MODULE="").returncode == 0
