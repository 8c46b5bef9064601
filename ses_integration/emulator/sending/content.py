"""A raw mail as SES takes it: its header, what SES refuses, and what SES changes. Pure.

Wordings that AWS does not publish are the emulator's own.
"""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.utils import format_datetime, getaddresses
from hashlib import sha256

from ses_integration.emulator.receiving.content.mail import header_fields
from ses_integration.emulator.wire.errors import AwsError

# Amazon SES service quotas, "Message quotas". With CRLF, a line has at most 1,000 characters.
MOST_RECIPIENTS, MOST_PARTS, LONGEST_LINE = 50, 500, 998

# Amazon SES Developer Guide, "Amazon SES header fields".
_ONCE = (
    "accept-language acceptlanguage archived-at auto-submitted bounces-to comments content-alternative content-base "
    "content-class content-description content-disposition content-duration content-id content-language content-length "
    "content-location content-md5 content-transfer-encoding content-type date delivered-to "
    "disposition-notification-options disposition-notification-to dkim-signature domainkey-signature errors-to from "
    "importance in-reply-to keywords list-archive list-help list-id list-owner list-post list-subscribe list-unsubscribe "
    "list-unsubscribe-post message-context message-id mime-version organization original-from original-message-id "
    "original-recipient original-subject precedence priority references reply-to return-path return-receipt-to sender "
    "solicitation sensitivity subject thread-index thread-topic user-agent vbr-info"
)
_SINGLE = frozenset(_ONCE.split())
_ADDRESSES = ("from", "sender", "return-path", "reply-to", "to", "cc", "bcc")
# Fields that SES obeys or overwrites, and does not send on.
_REMOVED = frozenset(("message-id", "date", "return-path", "bcc"))
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:")
_ADDRESS = re.compile(r"[^\s@<>\"]+@[^\s@<>\"]+\.[^\s@<>\".]+", re.ASCII)
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_LINE_END = re.compile(rb"\r?\n(?![ \t])")


@dataclass(frozen=True)
class RawMail:
    """`fields`: complete header fields with their names in lower case. `body`: what follows the blank line."""

    raw: bytes
    fields: Sequence[tuple[str, bytes]]
    body: bytes

    def value(self, name: str) -> str:
        """The unfolded value of a field. Empty if there is none."""
        return next((text for found, text in header_fields(self.raw) if found.lower() == name), "")

    def addresses(self, *names: str) -> list[str]:
        """The addresses in the fields of these names."""
        values = [text for found, text in header_fields(self.raw) if found.lower() in names]
        return [address for _, address in getaddresses(values) if address]


def parse(raw: bytes) -> RawMail:
    """Raises AwsError for a header that is not one."""
    end = _BLANK_LINE.search(raw)
    if end is None:
        raise refused("The message must have a header and a body, separated by a blank line.")
    fields = []
    for line in _LINE_END.split(raw[: end.start()]):
        found = _FIELD.match(line)
        if found is None:
            shown = line[:80].decode("ascii", "replace")
            raise refused("Empty header names are illegal." if line[:1] == b":" else f"Invalid header line: '{shown}'.")
        fields.append((found[1].decode().lower(), line))
    return RawMail(raw, fields, raw[end.end() :])


def check(mail: RawMail, most_bytes: int) -> None:
    """Raise AwsError for a mail that SES refuses, whoever sends it to whom. `most_bytes`: encoded in base64."""
    size = -(-len(mail.raw) // 3) * 4
    if size > most_bytes:
        raise refused(f"Message length is more than {most_bytes} bytes long: '{size}'.")
    counts = Counter(name for name, _ in mail.fields)
    for name, line in mail.fields:
        if counts[name] > 1 and name in _SINGLE:
            raise refused(f"Duplicate header '{line.partition(b':')[0].strip().decode()}'.")
        if name in _ADDRESSES and not line.isascii():
            raise refused("Local address contains control or whitespace")
    if not counts["from"]:
        raise refused("Missing required header 'From'.")
    if max(len(line.rstrip(b"\r")) for line in mail.raw.split(b"\n")) > LONGEST_LINE:
        raise refused(f"Maximum line length exceeded: a line has more than {LONGEST_LINE} characters.")
    # Fewer lines that could be boundaries cannot make so many parts.
    if mail.raw.count(b"\n--") > MOST_PARTS and _count_parts(mail.raw) > MOST_PARTS:
        raise refused(f"The message has more than {MOST_PARTS} MIME parts.")


def check_recipients(recipients: Sequence[str]) -> None:
    if not recipients:
        raise refused("Missing required header 'To'.")
    if len(recipients) > MOST_RECIPIENTS:
        raise refused(f"Recipient count exceeds {MOST_RECIPIENTS}.")
    for recipient in recipients:
        if not _ADDRESS.fullmatch(recipient):
            raise refused("Missing final '@domain'" if "@" not in recipient else f"Illegal address: {recipient}")


def rewritten(mail: RawMail, ses_id: str, message_id: str, sender: str, at: datetime) -> bytes:
    """The mail as SES sends it. The body is what it was."""
    kept = [line for name, line in mail.fields if name not in _REMOVED and not name.startswith("x-ses-")]
    digest = base64.b64encode(sha256(mail.body).digest()).decode()
    seconds = int(at.timestamp())
    domains = (sender.rpartition("@")[2], "amazonses.com")
    signatures = [
        f"DKIM-Signature: v=1; a=rsa-sha256; q=dns/txt; c=relaxed/simple; s=emulated; d={domain}; t={seconds};\r\n"
        f" h=From:To:Subject:MIME-Version:Content-Type:Message-ID:Date; bh={digest}; b=emulated"
        for domain in domains
    ]
    added = [
        f"Message-ID: {message_id}",
        f"Date: {format_datetime(at)}",
        f"Feedback-ID: ::1.emulated.{ses_id[-12:]}:AmazonSES",
        f"X-SES-Outgoing: {at:%Y.%m.%d}-127.0.0.1",
    ]
    fields = [*(line.encode() for line in signatures), *kept, *(line.encode() for line in added)]
    return b"\r\n".join(fields) + b"\r\n\r\n" + mail.body


def refused(message: str) -> AwsError:
    """v2 gives this code another name."""
    return AwsError("InvalidParameterValue", message)


def _count_parts(raw: bytes) -> int:
    return sum(not part.is_multipart() for part in message_from_bytes(raw).walk())
