"""Read SES's notification of a stored mail (docs/architecture/ses.md, "Notifications"). Pure, and never raises."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from ses_integration.arrivals.arrival import Arrival, Verdicts

# As the columns in mail/models/ have them. A text has no column length: lists show its beginning.
KEY_LENGTH = 1024
ADDRESS_LENGTH = 320
TEXT_LENGTH = 1000

SETUP_ID = "AMAZON_SES_SETUP_NOTIFICATION"
SETUP_TEXT = "Successfully validated SNS topic"
SETUP = "SES has tested the topic."
PROBE = "inbound doctor probe"

_KEY = re.compile(r"emails/([a-z0-9._-]{1,253})/(indm_[A-Za-z0-9_-]{1,250})/([A-Za-z0-9._=-]{1,255})")
_BUCKET = re.compile(r"[a-z0-9.-]{3,63}")
_VERDICT = re.compile(r"[A-Z_]{1,20}")
_POLICY = re.compile(r"[A-Z]{1,10}")
# PostgreSQL stores neither NUL nor lone surrogates.
_UNSTORABLE = re.compile(r"[\0\ud800-\udfff]")


class _NoArrival(Exception):
    """The reason why a notification tells of no stored mail."""


def read_notification(text: str) -> Arrival | str:
    """The stored mail that a notification tells of, or a sentence that says why it tells of none.

    `text` is the notification itself (raw message delivery), or the SNS message around it.
    """
    try:
        if not _is_wrapped(content := _json(text)):
            return _arrival(content)
        if content["Type"] != "Notification":
            raise _NoArrival("It is about a subscription.")
        return _arrival(_json(_text(content, "Message")))
    except _NoArrival as reason:
        return str(reason)


def _json(text: str) -> dict[str, Any]:
    """The object in a JSON text. Other things that SES writes are no JSON."""
    if text.startswith(SETUP_TEXT):
        raise _NoArrival(SETUP)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):  # too deep
        raise _NoArrival("It is not JSON.") from None
    if not isinstance(content, dict):
        raise _NoArrival("It is not a JSON object.")
    return content


def _is_wrapped(content: dict[str, Any]) -> bool:
    return "Type" in content and "TopicArn" in content and "notificationType" not in content


def _arrival(content: dict[str, Any]) -> Arrival:
    kind = _text(content, "notificationType")
    if kind == PROBE:
        raise _NoArrival("It is a probe of ses_doctor.")
    if kind != "Received":
        what = kind or _text(content, "eventType")
        raise _NoArrival(f"It is about sent mail ({what[:40]})." if what else "It is not from SES.")
    mail, receipt = _object(content, "mail"), _object(content, "receipt")
    action = _object(receipt, "action")
    bucket, key = _text(action, "bucketName"), _text(action, "objectKey")
    if SETUP_ID in (_text(mail, "messageId"), key.rpartition("/")[2]):
        raise _NoArrival(SETUP)
    if _text(action, "type") != "S3" or not _BUCKET.fullmatch(bucket):
        raise _NoArrival("It does not say where the mail is stored.")
    parts = _KEY.fullmatch(key)
    if not parts or len(key) > KEY_LENGTH:
        raise _NoArrival("The key is not in the folder of a domain.")
    headers = _object(mail, "commonHeaders")
    return Arrival(
        bucket=bucket,
        key=key,
        domain_name=parts[1],
        domain_id=parts[2],
        ses_id=parts[3],
        recipients=_recipients(receipt),
        arrived_at=_time(mail, receipt),
        envelope_from=_text(mail, "source")[:ADDRESS_LENGTH],
        verdicts=_verdicts(receipt),
        subject=_text(headers, "subject")[:TEXT_LENGTH],
        sender=next(iter(_texts(headers, "from")), "")[:TEXT_LENGTH],
        message_id=_text(headers, "messageId")[:TEXT_LENGTH],
    )


def _recipients(receipt: dict[str, Any]) -> tuple[str, ...]:
    """The recipients that the rule has matched. SES may have them as the sender wrote them."""
    # A shortened address would be another one.
    found = [text.lower() for text in _texts(receipt, "recipients") if text and len(text.lower()) <= ADDRESS_LENGTH]
    if not found:
        raise _NoArrival("It names no recipient.")
    return tuple(dict.fromkeys(found))


def _time(mail: dict[str, Any], receipt: dict[str, Any]) -> datetime:
    """When SES received the mail; otherwise when it stored it."""
    for text in (_text(mail, "timestamp"), _text(receipt, "timestamp")):
        try:
            time = datetime.fromisoformat(text)
            return time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    raise _NoArrival("It does not say when the mail arrived.")


def _verdicts(receipt: dict[str, Any]) -> Verdicts:
    found = {}
    for name in ("spf", "dkim", "dmarc", "spam", "virus"):
        status = _text(_object(receipt, f"{name}Verdict"), "status").upper()
        found[name] = status if _VERDICT.fullmatch(status) else ""
    policy = _text(receipt, "dmarcPolicy").upper()
    return Verdicts(**found, dmarc_policy=policy if _POLICY.fullmatch(policy) else "")


def _object(content: dict[str, Any], name: str) -> dict[str, Any]:
    value = content.get(name)
    return value if isinstance(value, dict) else {}


def _text(content: dict[str, Any], name: str) -> str:
    value = content.get(name)
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", value) if isinstance(value, str) else ""


def _texts(content: dict[str, Any], name: str) -> list[str]:
    value = content.get(name)
    found = value if isinstance(value, list) else []
    return [_UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", item) for item in found if isinstance(item, str)]
