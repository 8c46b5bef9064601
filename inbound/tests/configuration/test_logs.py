"""What the log says: one line for what goes wrong elsewhere, and no passwords."""

from __future__ import annotations

import logging
import sys

import pytest
from django.db import IntegrityError, OperationalError

from inbound.configuration.logs import Line
from inbound.database.outages import is_outage
from inbound.tests.support.factories import DomainFactory
from mail.models import Message
from mail.tests.inbox import received


def logged(name: str, message: str, *args: object, error: Exception | None = None) -> str:
    exc_info = None
    if error:
        try:
            raise error
        except Exception:
            exc_info = sys.exc_info()
    record = logging.LogRecord(name, logging.WARNING, __file__, 1, message, args, exc_info)
    return Line("{levelname} {name}: {message}", is_outage).format(record)


@pytest.mark.parametrize(
    "url",
    [
        "http://user:s3cr3t@127.0.0.1:1/", "https://s3cr3t@host", "http://user:s3cr3t:more@host/path", "http://:s3cr3t@[::1]",
        "postgres://inbound:s3cr3t@db/mail",
    ],
)  # fmt: skip
@pytest.mark.parametrize("error", [None, ValueError("a mistake")], ids=["line", "traceback"])
def test_no_password_of_a_url_is_written(url, error):
    text = logged("ses_integration.aws", 'Could not connect to "%s"', url, error=error)
    assert "s3cr3t" not in text
    assert "***@" in text


def test_a_url_without_a_password_stays():
    assert logged("a", "http://host/path?to=a@example.com") == "WARNING a: http://host/path?to=a@example.com"


def test_a_password_in_the_text_of_an_exception_is_not_written():
    text = logged("botocore.credentials", "Refreshing failed.", error=OSError("https://user:s3cr3t@host"))
    assert text == "WARNING botocore.credentials: Refreshing failed. OSError: https://***@host"


@pytest.mark.parametrize("name", ["botocore.credentials", "botocore.tokens", "urllib3.connectionpool"])
def test_an_error_of_a_library_that_calls_aws_is_one_line(name):
    assert logged(name, "Failed.", error=ValueError("a\nb")) == f"WARNING {name}: Failed. ValueError: a b"


@pytest.mark.parametrize("name", ["django.request", "django.security", "inbound.worker"])
def test_an_outage_of_the_database_is_one_line(name):
    text = logged(name, "Internal Server Error: %s", "/admin/", error=OperationalError("connection failed\nrefused"))
    assert text == f"WARNING {name}: Internal Server Error: /admin/ OperationalError: connection failed refused"


def test_a_mistake_has_a_traceback():
    lines = logged("django.request", "Internal Server Error", error=KeyError("a")).splitlines()
    assert (lines[1], lines[-1]) == ("Traceback (most recent call last):", "KeyError: 'a'")


@pytest.mark.parametrize("name", ["will.pdf", "my will: final.pdf", "a/b.pdf", "a\nb.pdf"])
def test_no_name_of_an_attachment_is_written(name):
    path = f"/api/v2/attachments/7AAC4zI5cJZ8SBjBbM-3S/{name}"
    assert logged("django.request", "Service Unavailable: %s", path).startswith(
        "WARNING django.request: Service Unavailable: /api/v2/attachments/7AAC4zI5cJZ8SBjBbM-3S/***"
    )
    for text in (
        logged("django.request", "Service Unavailable: %s", path),
        logged("inbound.api.errors", "%s %s", "GET", path, error=ValueError("a mistake")),
        logged("inbound.api.errors", "%s %s: %s", "GET", path, "connection refused"),
    ):
        assert "will" not in text
        assert "b.pdf" not in text
    assert text.endswith("connection refused")
    assert "mistake" in logged("inbound.api.errors", "%s %s", "GET", path, error=ValueError("a mistake"))


def test_the_position_of_an_attachment_stays():
    for path in ("/api/v2/mail/7AAC4zI5cJZ8SBjBbM-3S/attachments/0", "/admin/mail/receivedemail/x/attachments/0/"):
        assert logged("a", path) == f"WARNING a: {path}"


@pytest.mark.postgresql
def test_what_is_in_a_row_that_the_database_refuses_is_not_written(db):
    """PostgreSQL tells of the whole row, a mail for example."""
    received(DomainFactory(), subject="My will).", preview="My\nwill", from_address="will@example.net")
    with pytest.raises(IntegrityError, match="will") as refused:
        Message.objects.update(attachment_count=-1)
    for message in ("Message 1", f"Message 1: {refused.value}"):
        text = logged("mail", message, error=refused.value)
        assert "will" not in text
        assert "mail_message_attachment_count_check" in text
        assert "Failing row contains ***" in text
