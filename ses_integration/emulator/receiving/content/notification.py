"""The notification of a received mail (Amazon SES Developer Guide, "Contents of notifications for email receiving"). Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from email.errors import MessageError
from email.header import decode_header, make_header
from email.utils import getaddresses
from typing import Any

from ses_integration.emulator.receiving.content.header_block import Fields
from ses_integration.emulator.receiving.content.mail import MAX_HEADERS, IncomingMail
from ses_integration.emulator.receiving.evaluation import MatchedRule

SUBJECT = "Amazon SES Email Receipt Notification"

_ADDRESSES = {"from": "from", "to": "to", "cc": "cc", "bcc": "bcc", "sender": "sender", "reply-to": "replyTo"}
_TEXTS = {"date": "date", "message-id": "messageId", "subject": "subject"}


def notification(
    mail: IncomingMail, rule: MatchedRule, fields: Fields, own_fields: Fields, action: dict[str, Any], **more: object
) -> str:
    """The JSON text. `fields`: what SES has added on top of `own_fields`. `more`: further members of the top level."""
    unfolded = [(name, value.replace("\r\n", "")) for name, value in fields]
    kept, truncated = cut([*unfolded, *own_fields])
    described = {
        "notificationType": "Received",
        "mail": {
            "timestamp": _timestamp(mail),
            "source": mail.sender,
            "messageId": mail.ses_id,
            "destination": list(mail.recipients),
            "headersTruncated": truncated,
            "headers": [{"name": name, "value": value} for name, value in kept],
            "commonHeaders": common_headers(own_fields, returnPath=mail.sender),
        },
        "receipt": _receipt(mail, rule, action),
        **more,
    }
    return json.dumps(described, separators=(",", ":"))


def _timestamp(mail: IncomingMail) -> str:
    return mail.received.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _receipt(mail: IncomingMail, rule: MatchedRule, action: dict[str, Any]) -> dict[str, Any]:
    verdicts = mail.verdicts
    receipt: dict[str, Any] = {
        "timestamp": _timestamp(mail),
        # SES takes some hundred milliseconds; the emulator does not pretend to.
        "processingTimeMillis": 1,
        "recipients": list(rule.recipients),
        "spamVerdict": {"status": verdicts.spam if rule.scanned else "DISABLED"},
        "virusVerdict": {"status": verdicts.virus if rule.scanned else "DISABLED"},
        "spfVerdict": {"status": verdicts.spf},
        "dkimVerdict": {"status": verdicts.dkim},
        "dmarcVerdict": {"status": verdicts.dmarc},
    }
    if verdicts.dmarc == "FAIL":
        receipt["dmarcPolicy"] = verdicts.dmarc_policy
    return {**receipt, "action": action}


def cut(fields: Fields) -> tuple[Fields, bool]:
    """The first fields up to 10 kB, and whether there are more."""
    size = 0
    for position, (name, value) in enumerate(fields):
        size += len(name) + len(value.encode("utf-8", "replace"))
        if size > MAX_HEADERS:
            return fields[:position], True
    return fields, False


def common_headers(fields: Fields, **common: Any) -> dict[str, Any]:
    """The usual fields by name. `common`: what SES knows better than the mail."""
    for name, value in fields:
        key = name.lower()
        if key in _ADDRESSES:
            common.setdefault(_ADDRESSES[key], []).extend(_addresses(value))
        elif key in _TEXTS:
            common.setdefault(_TEXTS[key], _decoded(value) if key == "subject" else value)
    return common


def _addresses(value: str) -> Sequence[str]:
    try:
        pairs = getaddresses([value])
    except RecursionError:  # comments inside each other
        return [value]
    return [f"{_decoded(name)} <{address}>" if name else address for name, address in pairs if address or name]


def _decoded(value: str) -> str:
    """The text of a header value, or the value itself if it cannot be decoded."""
    if "=?" not in value:
        return value
    try:
        return str(make_header(decode_header(value)))
    except (MessageError, LookupError, ValueError):
        return value
