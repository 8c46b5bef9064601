"""The process that reads mail: it answers, it is limited, and it is replaced when it dies."""

from __future__ import annotations

import os
import signal
from io import BytesIO

import pytest

from mail.parsing.pool import Parser

pytestmark = pytest.mark.sqlite_only

MAIL = b"From: a@example.com\r\nSubject: One\r\n\r\nHello\r\n"


def test_a_mail_is_read(shared_parser: Parser):
    mail = shared_parser.parse(BytesIO(MAIL))

    assert (mail.subject, mail.text, mail.preview, mail.error) == ("One", "Hello\n", "Hello", None)


def test_after_the_process_was_killed_the_next_mail_is_read():
    with Parser(seconds=10, megabytes=512) as parser:
        assert parser.parse(BytesIO(MAIL)).error is None
        assert parser.child_pid is not None
        os.kill(parser.child_pid, signal.SIGKILL)

        killed, after = parser.parse(BytesIO(MAIL)), parser.parse(BytesIO(MAIL))

    assert (killed.subject, killed.error) == ("One", "The reader stopped unexpectedly.")
    assert (after.subject, after.error) == ("One", None)
