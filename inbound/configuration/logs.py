"""How log records are written."""

from __future__ import annotations

import copy
import logging
import re
from collections.abc import Callable

# The user name and password of a URL, such as that of a proxy.
_USER_INFO = re.compile(r"(?<=://)[^/\s@]*@")
# The name of an attachment in a path: the sender of the mail has chosen it.
_FILE_NAME = re.compile(r"(/attachments/[\w-]{20,}/)[^\n]*?(?=: |$)", re.MULTILINE)
# What PostgreSQL says of a row that it refuses, and of text that is no JSON.
_ROW = re.compile(r"(Failing row contains )\(.*?\)\.(?=\s*?(?:\Z|\n\n|\n[A-Z]+:|\nTraceback ))", re.DOTALL)
_JSON = re.compile(r"(JSON data, line \d+: )[^\n]*")
_HIDDEN = ((_USER_INFO, "***@"), (_FILE_NAME, r"\1***"), (_ROW, r"\1***."), (_JSON, r"\1***"))
_LIBRARIES = ("botocore", "boto3", "urllib3")


class Line(logging.Formatter):
    """A record on one line, without passwords in URLs, names of attachments and contents of rows.

    Only a mistake in the code has a traceback below it. Libraries that call AWS raise what they log.
    `is_passing`: whether an exception is not about the code, either.
    """

    def __init__(self, format: str, is_passing: Callable[[BaseException], bool]) -> None:
        super().__init__(format, style="{")
        self._is_passing = is_passing

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        if error and (record.name.partition(".")[0] in _LIBRARIES or self._is_passing(error)):
            record = copy.copy(record)
            record.msg, record.args = f"{record.getMessage()} {type(error).__name__}: {error}", ()
            record.exc_info = record.exc_text = None
        text = super().format(record)
        for hidden, shown in _HIDDEN:
            text = hidden.sub(shown, text)
        return text

    def formatMessage(self, record: logging.LogRecord) -> str:
        return super().formatMessage(record).replace("\n", " ")
