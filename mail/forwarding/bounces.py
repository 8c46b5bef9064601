"""Mails that say that a forward has bounced. SES tells of most bounces in events; these are the others. Pure."""

from __future__ import annotations

import re
from datetime import datetime

from mail.arrival.feedback import DELIVERY_TAG
from mail.forwarding.header import DELIVERY
from mail.forwarding.mails import Original
from ses_integration.api import Feedback, FeedbackRecipient

# Of the body. The report comes first, and then the header of the mail that has bounced.
MOST_BYTES = 1024 * 1024
MOST_RECIPIENTS = 50

_REPORT = re.compile(rb"multipart/report\b", re.IGNORECASE)
_QUOTED = re.compile(rb"^%s:[ \t]*([\w-]{1,255})[ \t]*\r$" % DELIVERY.encode(), re.IGNORECASE | re.MULTILINE)
_RECIPIENT = re.compile(rb"^Final-Recipient:[ \t]*rfc822;[ \t]*(\S{1,320})[ \t]*\r$", re.IGNORECASE | re.MULTILINE)
_STATUS = re.compile(rb"^Status:[ \t]*(\d\.\d{1,3}\.\d{1,3})", re.IGNORECASE | re.MULTILINE)
_DIAGNOSTIC = re.compile(rb"^Diagnostic-Code:[ \t]*([^\r\n]{1,1000})", re.IGNORECASE | re.MULTILINE)


def read_bounce(original: Original, envelope_from: str, at: datetime) -> Feedback | None:
    """The bounce that a received mail reports of a forward of ours. None if it is any other mail."""
    if not _is_from_a_server(envelope_from) or not _REPORT.match(original.fields.get("content-type", b"")):
        return None
    body = bytes(original.raw[original.body : original.body + MOST_BYTES])
    quoted = _QUOTED.search(body)
    if quoted is None:
        return None
    # The fields of each recipient are in a block of their own.
    blocks = [block for block in body.split(b"\r\n\r\n") if _RECIPIENT.search(block + b"\r\n")][:MOST_RECIPIENTS]
    recipients = tuple(map(_recipient, blocks))
    return Feedback(
        kind="bounce",
        permanent=bool(recipients) and all(recipient.status.startswith("5") for recipient in recipients),
        ses_message_id="",
        tags={DELIVERY_TAG: quoted[1].decode()},
        recipients=recipients,
        at=at,
    )


def _is_from_a_server(envelope_from: str) -> bool:
    domain = envelope_from.strip("<>").rpartition("@")[2].lower()
    return not domain or domain == "amazonses.com" or domain.endswith(".amazonses.com")


def _recipient(block: bytes) -> FeedbackRecipient:
    address, status, diagnostic = _RECIPIENT.search(block + b"\r\n"), _STATUS.search(block), _DIAGNOSTIC.search(block)
    return FeedbackRecipient(
        address[1].decode("ascii", "replace").lower() if address else "",
        status[1].decode() if status else "",
        diagnostic[1].decode("ascii", "replace") if diagnostic else "",
    )
