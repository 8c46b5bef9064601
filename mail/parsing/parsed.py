"""What is read from a mail: plain values, which cross the pipe as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ParsedAttachment:
    """A part that is not the text of the mail. `content_id` has its angle brackets. `size`: bytes after decoding."""

    index: int
    filename: str | None
    content_type: str
    size: int
    content_id: str | None = None
    disposition: str | None = None


@dataclass(frozen=True, slots=True)
class ParsedMail:
    """A mail, with every text free of NUL and lone surrogates, which PostgreSQL refuses.

    `date`: ISO 8601 with zone, None if there is none or it cannot be read. `addresses`: for each of `from`, `to`, `cc`, `bcc`
    and `replyTo` None or `{"text", "addresses": [{"name", "address"}]}`. `headers`: as the reference service shows them
    (docs/architecture/mail.md, "Parsed mail"). `html` is sanitised. `truncated` names what was cut. `error`: why the mail
    could not be read, None if it could; the other values are then what could be read of its headers.
    """

    subject: str | None = None
    message_id: str | None = None
    in_reply_to: str | None = None
    references: list[str] = field(default_factory=list)
    date: str | None = None
    priority: str | None = None
    addresses: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, Any] = field(default_factory=dict)
    text: str | None = None
    html: str | None = None
    preview: str = ""
    attachments: list[ParsedAttachment] = field(default_factory=list)
    truncated: list[str] = field(default_factory=list)
    error: str | None = None
    seconds: float = 0.0


def as_plain(mail: ParsedMail) -> dict[str, Any]:
    """The values as JSON has them. `dataclasses.asdict` would copy the headers one by one."""
    plain = {name: getattr(mail, name) for name in ParsedMail.__slots__}
    plain["attachments"] = [attachment_as_plain(attachment) for attachment in mail.attachments]
    return plain


def attachment_as_plain(attachment: ParsedAttachment) -> dict[str, Any]:
    return {name: getattr(attachment, name) for name in ParsedAttachment.__slots__}


def from_plain(plain: dict[str, Any]) -> ParsedMail:
    plain["attachments"] = [ParsedAttachment(**attachment) for attachment in plain["attachments"]]
    return ParsedMail(**plain)
