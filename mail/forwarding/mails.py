"""Mails that are sent, as bytes: a received mail as a forward, and the notice of one that is too large."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from django.conf import settings

from mail.forwarding.header import Written, compose, count_fields, read_fields
from mail.models import Message
from mail.parsing.limits import FETCHED
from mail.parsing.lines import has_long_line, with_crlf
from mail.parsing.pool import ParserPool
from mail.parsing.reading.structure import Data, header_end_in
from ses_integration.api import StoredMail

MEGABYTE = 1024 * 1024
# Of the header block. SES takes smaller ones only.
MOST_HEADER = 256 * 1024
# They start with the first mail that cannot be sent as it is.
PARSERS = 1

_NO_FIELD = re.compile(rb"(?<=\n)(?![!-9;-~]+[ \t]*:|[ \t]|\r\n|\Z)")


@dataclass(frozen=True, slots=True)
class Original:
    """A received mail with CRLF. `body`: where its body begins. `received`: how many Received fields it has."""

    raw: Data
    body: int
    fields: dict[str, bytes]
    received: int


def fetch(message: Message, seconds: float) -> Original:
    """The mail from the bucket. Raises NotStored, SesError."""
    with SpooledTemporaryFile(MEGABYTE) as file:
        StoredMail(message.key, message.bucket, seconds).fetch(cast(BinaryIO, file), FETCHED)
        file.seek(0)
        return read_original(file.read())


def read_original(raw: Data) -> Original:
    raw = with_crlf(raw)
    end, body = header_end_in(raw, 0, len(raw))
    if body == len(raw) and (text := _NO_FIELD.search(raw)):
        # No blank line. Its text begins where the fields end.
        end = body = text.start()
        raw = raw[:end] + b"\r\n" + raw[end:]
        body += 2
    block = bytes(raw[: min(end, MOST_HEADER)])
    return Original(raw, body, read_fields(block), count_fields(block, "Received"))


def forward(original: Original, written: Written, *, with_attachments: bool) -> bytes:
    """The mail that is sent: another header block, and the body as it was, if SES takes it as it was.

    Raises Busy or Unreadable (`mail.parsing.pool`).
    """
    raw = original.raw
    if with_attachments and not has_long_line(raw, original.body):
        header = compose(original.fields, written, _missing(original))
        return b"".join([header, memoryview(raw)[original.body :]])
    content = BytesIO()
    overrides = parsers().refit(BytesIO(raw), content, without_attachments=not with_attachments)
    header = compose(original.fields, written, {**_missing(original), **overrides})
    return header + content.getvalue()


def notice(message: Message, written: Written, why: str) -> bytes:
    """A small mail that tells of one that cannot be forwarded."""
    sender = f"{message.from_name} <{message.from_address}>" if message.from_name else message.from_address
    names = [attachment["filename"] or "without a name" for attachment in message.attachments]
    lines = [
        f"{written.recipient} has received an email that is not forwarded. {why}",
        "",
        f"From: {sender}",
        f"Subject: {message.subject}",
        *[f"Attachment: {name}" for name in names[:50]],
        *([f"and {len(names) - 50} more attachments"] if len(names) > 50 else []),
    ]
    # Nothing else of the mail: its type, for example, does not fit this text.
    fields = {"subject": f"Not forwarded: {message.subject[:200]}".encode(), "message-id": message.rfc_id.encode()}
    text = "\r\n".join(" ".join(line.split())[:900] for line in lines) + "\r\n"
    overrides = {
        "content-type": "text/plain; charset=utf-8",
        "content-transfer-encoding": "base64",
        "auto-submitted": "auto-generated",
    }
    return compose(fields, written, overrides) + base64.encodebytes(text.encode()).replace(b"\n", b"\r\n")


def _missing(original: Original) -> dict[str, str | None]:
    """Fields that a body with other characters than ASCII needs, if they are missing."""
    fields: dict[str, str | None] = {}
    if not original.raw.isascii():
        if "content-transfer-encoding" not in original.fields:
            fields["content-transfer-encoding"] = "8bit"
        if "content-type" not in original.fields:
            fields["content-type"] = f"text/plain; charset={_charset(original)}"
    return fields


def _charset(original: Original) -> str:
    try:
        bytes(original.raw[original.body :]).decode()
    except UnicodeDecodeError:
        return "iso-8859-1"
    return "utf-8"


@cache
def parsers() -> ParserPool:
    """Those of this process."""
    return ParserPool(PARSERS, seconds=settings.MAIL_PARSE_SECONDS, megabytes=settings.MAIL_PARSE_MB)
