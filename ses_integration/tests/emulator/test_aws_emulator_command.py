"""`python manage.py aws_emulator` as a process."""

from __future__ import annotations

import os
import select
import signal
import smtplib
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import dns.message
import dns.query
import pytest

from ses_integration.tests.emulator.clients import client, control, refusal

pytestmark = pytest.mark.processes

# A project with only this command and the apps below it: it needs no database and no other settings.
_MANAGE = """
import sys, django
from django.conf import settings
from django.core.management import execute_from_command_line
apps = ["django.contrib.contenttypes", "django.contrib.auth", "workers", "audit", "ses_integration"]
settings.configure(INSTALLED_APPS=apps, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField")
execute_from_command_line(["manage.py", "aws_emulator", *sys.argv[1:]])
"""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    processes: list[subprocess.Popen[str]] = []

    def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", _MANAGE, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def announced(process: subprocess.Popen[str]) -> str:
    """The address in the next line it prints."""
    assert process.stdout is not None
    line = b""
    # Not readline(), which would take the line after it out of the pipe, too.
    while not line.endswith(b"\n"):
        assert select.select([process.stdout], [], [], 30)[0], "It said nothing."
        byte = os.read(process.stdout.fileno(), 1)
        if not byte:
            pytest.fail(f"It ended: {process.communicate()[1]}")
        line += byte
    return line.decode().split()[-1]


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port: int = listener.getsockname()[1]
        yield port


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_starts_answers_and_stops_cleanly(start: Start, ending: signal.Signals) -> None:
    """It prints one line and serves AWS. A signal stops it with exit code 0 and without a traceback."""
    process = start("--port", "0")
    url = announced(process)
    assert control(url, "GET", "/_health") == (200, {"status": "ok"})
    client("ses", url).create_receipt_rule_set(RuleSetName="set")
    process.send_signal(ending)
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, output, errors) == (0, "", "")


def test_its_options_reach_the_emulator(start: Start) -> None:
    """Rate limit and pending identities."""
    url = announced(start("--port", "0", "--calls-per-second", "0.001", "--pending-identities"))
    created = client("sesv2", url).create_email_identity(EmailIdentity="example.com")
    assert created["VerifiedForSendingStatus"] is False
    assert refusal(client("ses", url).list_identities).code == "Throttling"


def test_the_port_comes_from_the_environment(start: Start, taken: int) -> None:
    """From AWS_EMULATOR_PORT. A port in use is reported in one sentence."""
    process = start(AWS_EMULATOR_PORT=str(taken))
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert errors == (
        f"CommandError: Port {taken} on 127.0.0.1 is in use: stop what uses it, or choose another with --port.\n"
    )


def test_it_serves_dns_on_a_port_of_its_own(start: Start, taken: int) -> None:
    """It prints the address in a second line. A port in use is reported in one sentence."""
    process = start("--port", "0", "--dns-port", "0")
    url = announced(process)
    host, _, port = announced(process).partition(":")
    record = {"type": "MX", "name": "example.com", "value": "10 mx.example.net"}
    assert control(url, "POST", "/_dns", record) == (200, [record])
    answer = dns.query.udp(dns.message.make_query("example.com", "MX"), host, port=int(port), timeout=30).answer
    assert [rrset[0].to_text() for rrset in answer] == ["10 mx.example.net."]
    _, errors = start("--port", "0", "--dns-port", str(taken)).communicate(timeout=30)
    assert errors == (
        f"CommandError: Port {taken} on 127.0.0.1 is in use: stop what uses it, or choose another with --dns-port.\n"
    )


def test_it_receives_mail_on_a_port_of_its_own(start: Start, taken: int) -> None:
    """It prints the address in a second line. A port in use is reported in one sentence."""
    process = start("--port", "0", "--smtp-port", "0")
    url = announced(process)
    host, _, port = announced(process).partition(":")
    with smtplib.SMTP(host, int(port), timeout=30) as connection, pytest.raises(smtplib.SMTPRecipientsRefused):
        connection.sendmail("a@b.example", "hello@example.com", b"Subject: Hello\r\n\r\n")
    assert control(url, "GET", "/_mail") == (200, [])
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=30) == ("", "")
    _, errors = start("--port", "0", "--smtp-port", str(taken)).communicate(timeout=30)
    assert errors == (
        f"CommandError: Port {taken} on 127.0.0.1 is in use: stop what uses it, or choose another with --smtp-port.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--host", "0.0.0.0"), "listens on loopback only"),  # noqa: S104
        (("--port", "99999"), "is not a port"),
        (("--port", "http"), "is not a port"),
        (("--dns-port", "http"), "is not a port"),
        (("--calls-per-second", "fast"), "is not a number"),
        (("--calls-per-second=-1",), "a number from 0"),
    ],
)
def test_a_wrong_option_is_one_sentence(start: Start, arguments: tuple[str, ...], sentence: str) -> None:
    """No traceback."""
    process = start(*arguments)
    _, errors = process.communicate(timeout=30)
    assert process.returncode != 0
    assert sentence in errors
    assert "Traceback" not in errors


def test_a_wrong_port_in_the_environment_is_one_sentence(start: Start) -> None:
    """The default is read like an option."""
    process = start(AWS_EMULATOR_PORT="http")
    result: Any = process.communicate(timeout=30)
    assert process.returncode != 0
    assert "is not a port" in result[1]
