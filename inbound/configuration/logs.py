"""How log records are written."""

from __future__ import annotations

import copy
import json
import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

# The user name and password of a URL, such as that of a proxy.
_USER_INFO = re.compile(r"(?<=://)[^/\s@]*@")
# The name of an attachment in a path: the sender of the mail has chosen it.
_FILE_NAME = re.compile(r"(/attachments/[\w-]{20,}/)[^\n]*?(?=: |$)", re.MULTILINE)
# What PostgreSQL says of a row that it refuses, and of text that is no JSON.
_ROW = re.compile(r"(Failing row contains )\(.*?\)\.(?=\s*?(?:\Z|\n\n|\n[A-Z]+:|\nTraceback ))", re.DOTALL)
_JSON = re.compile(r"(JSON data, line \d+: )[^\n]*")
_HIDDEN = ((_USER_INFO, "***@"), (_FILE_NAME, r"\1***"), (_ROW, r"\1***."), (_JSON, r"\1***"))
_LIBRARIES = ("botocore", "boto3", "urllib3")


def hidden(text: str) -> str:
    """The text without passwords in URLs, names of attachments and contents of rows."""
    for secret, shown in _HIDDEN:
        text = secret.sub(shown, text)
    return text


class Line(logging.Formatter):
    """A record on one line, without secrets.

    Only a mistake in the code has a traceback below it. Libraries that call AWS raise what they log.
    `is_passing`: whether an exception is not about the code, either.
    """

    def __init__(self, format: str, is_passing: Callable[[BaseException], bool]) -> None:
        super().__init__(format, style="{", defaults={"request": ""})
        self._is_passing = is_passing

    def format(self, record: logging.LogRecord) -> str:
        return hidden(super().format(self._brief(record)))

    def formatMessage(self, record: logging.LogRecord) -> str:
        return super().formatMessage(record).replace("\n", " ")

    def _brief(self, record: logging.LogRecord) -> logging.LogRecord:
        """The record, with the exception in its message if the exception is not about the code."""
        error = record.exc_info[1] if record.exc_info else None
        if error and (record.name.partition(".")[0] in _LIBRARIES or self._is_passing(error)):
            record = copy.copy(record)
            record.msg, record.args = f"{record.getMessage()} {type(error).__name__}: {error}", ()
            record.exc_info = record.exc_text = None
        return record


class JsonLine(Line):
    """A record as one JSON object on one line, without secrets.

    Its members are `time`, `level`, `logger`, `message`, `requestId` and `traceback` if there is one, and those that the caller
    gives as `extra={"members": {...}}`.
    """

    def format(self, record: logging.LogRecord) -> str:
        record = self._brief(record)
        members: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if identifier := getattr(record, "request_id", ""):
            members["requestId"] = identifier
        if record.exc_info:
            members["traceback"] = self.formatException(record.exc_info)
        members |= getattr(record, "members", {})
        return json.dumps(
            {name: hidden(it) if isinstance(it, str) else it for name, it in members.items()}, default=str
        )
