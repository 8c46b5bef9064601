"""Read a mail, or one attachment of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mail.parsing import limits
from mail.parsing.parsed import ParsedAttachment, ParsedMail
from mail.parsing.reading.bodies import Bodies, is_text
from mail.parsing.reading.charset import clean
from mail.parsing.reading.headers import Headers
from mail.parsing.reading.structure import Part, read_structure
from mail.parsing.reading.transfer import Data, decoded

# Separators, control characters, and those that turn the direction of text, which hide an extension.
_NOT_IN_FILENAMES = re.compile("[\0-\x1f\x7f-\x9f/\\\\\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]+")


def read_mail(data: Data, *, with_html: bool = True) -> ParsedMail:
    """The mail. Not `with_html`: HTML becomes text without being taken apart."""
    truncated: set[str] = set()
    if len(data) > limits.RAW:
        truncated.add("raw")
        data = data[: limits.RAW]
    root = read_structure(data, truncated)
    texts, others = _sorted(root, truncated)
    bodies = Bodies(data, texts, others, truncated, with_html=with_html)
    attachments = [_described(data, index, part) for index, part in enumerate(others)]
    return _with_headers(root, truncated, bodies, attachments)


def read_headers(data: Data) -> ParsedMail:
    """What the header fields say, if the rest cannot be read."""
    truncated: set[str] = set()
    return _with_headers(read_structure(data, truncated), truncated)


def read_attachment(data: Data, index: int) -> tuple[ParsedAttachment, Iterator[bytes]] | None:
    """Attachment `index`, and its bytes in pieces. None if there is none."""
    data = data if len(data) <= limits.RAW else data[: limits.RAW]
    truncated: set[str] = set()
    _, others = _sorted(read_structure(data, truncated), truncated)
    if not 0 <= index < len(others):
        return None
    part = others[index]
    return _described(data, index, part), decoded(data, part.start, part.end, part.encoding)


def _sorted(root: Part, truncated: set[str]) -> tuple[list[Part], list[Part]]:
    """The parts that are the text of the mail, and the attachments."""
    texts: list[Part] = []
    others: list[Part] = []
    for part in root.leaves():
        (texts if is_text(part, root) else others).append(part)
    if len(others) > limits.ATTACHMENTS:
        truncated.add("attachments")
    return texts, others[: limits.ATTACHMENTS]


def _described(data: Data, index: int, part: Part) -> ParsedAttachment:
    return ParsedAttachment(
        index=index,
        filename=filename(part),
        content_type=part.content_type,
        size=sum(map(len, decoded(data, part.start, part.end, part.encoding))),
        content_id=part.content_id,
        disposition=part.disposition,
    )


def filename(part: Part) -> str | None:
    """The name that the part has, if that is safe to show."""
    name = part.disposition_parameters.get("filename") or part.parameters.get("name") or ""
    name = " ".join(_NOT_IN_FILENAMES.sub("_", clean(name)).split()).strip(". ")
    if len(name) > limits.FILENAME:
        # The extension says what it is.
        stem, dot, extension = name.rpartition(".")
        kept = dot + extension if stem and len(extension) <= 20 else ""
        name = name[: limits.FILENAME - len(kept)] + kept
    return name or None


def _with_headers(
    root: Part, truncated: set[str], bodies: Bodies | None = None, attachments: list[ParsedAttachment] | None = None
) -> ParsedMail:
    headers = Headers(root.fields, truncated)
    return ParsedMail(
        subject=headers.text("subject"),
        message_id=headers.text("message-id"),
        in_reply_to=headers.text("in-reply-to"),
        references=headers.references,
        date=headers.date,
        priority=headers.text("priority"),
        addresses=headers.addresses,
        headers=headers.shown,
        text=bodies.text or None if bodies else None,
        html=bodies.html or None if bodies else None,
        preview=bodies.preview if bodies else "",
        attachments=attachments or [],
        truncated=sorted(truncated),
    )
