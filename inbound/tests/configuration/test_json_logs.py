"""LOG_FORMAT=json: one object on one line, with the same secrets hidden."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from audit.origin import Door, Origin, acting
from inbound.configuration.logs import JsonLine, Line
from inbound.database.outages import is_outage
from inbound.web.records import AddRequest

FORMAT = "{levelname} {name}{request}: {message}"
ATTACHMENT = "/api/v2/attachments/7AAC4zI5cJZ8SBjBbM-3S/"


def record(message: str, *args: object, error: Exception | None = None, **more: object) -> logging.LogRecord:
    exc_info = None
    if error:
        try:
            raise error
        except Exception:
            exc_info = sys.exc_info()
    made = logging.LogRecord("mail", logging.WARNING, __file__, 1, message, args, exc_info)
    made.__dict__.update(more)
    AddRequest().filter(made)
    return made


def as_json(made: logging.LogRecord) -> dict[str, object]:
    text = JsonLine(FORMAT, is_outage).format(made)
    assert "\n" not in text
    members: dict[str, object] = json.loads(text)
    assert str(members.pop("time")).endswith("+00:00")
    return members


def test_a_record_is_an_object_on_one_line():
    assert as_json(record("a\n%s", "ä")) == {"level": "WARNING", "logger": "mail", "message": "a\nä"}


def test_lines_of_a_request_have_its_id():
    with acting(Origin(Door.API, request_id="7f3a")):
        made = record("a")
    assert as_json(made)["requestId"] == "7f3a"
    assert Line(FORMAT, is_outage).format(made) == "WARNING mail [7f3a]: a"


def test_other_lines_have_none():
    assert Line(FORMAT, is_outage).format(record("a")) == "WARNING mail: a"


def test_a_mistake_has_a_traceback():
    members = as_json(record("a", error=KeyError("b")))
    assert members["message"] == "a"
    assert str(members["traceback"]).endswith("KeyError: 'b'")


def test_members_of_the_caller_are_added():
    assert as_json(record("a", members={"status": 200}))["status"] == 200


@pytest.mark.parametrize("secret", ["https://user:s3cr3t@host", f"{ATTACHMENT}s3cr3t.pdf"])
def test_secrets_are_hidden_wherever_they_are(secret):
    made = record("%s", secret, error=ValueError(secret), members={"path": secret})
    text = json.dumps(as_json(made))
    assert "s3cr3t" not in text
    assert text.count("***") >= 3
