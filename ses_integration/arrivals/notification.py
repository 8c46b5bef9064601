"""Read what SES tells a topic: of a stored mail (docs/architecture/ses.md, "Notifications"), or of a bounce. Pure, never raises."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from ses_integration.arrivals.arrival import Arrival, Verdicts
from ses_integration.arrivals.feedback import ADDRESS_LENGTH, Feedback, read_feedback
from ses_integration.arrivals.fields import object_in, text_in, texts_in, time_in

# As the columns in mail/models/ have them. A text has no column length: lists show its beginning.
KEY_LENGTH = 1024
TEXT_LENGTH = 1000

SETUP_ID = "AMAZON_SES_SETUP_NOTIFICATION"
SETUP_TEXT = "Successfully validated SNS topic"
SETUP = "SES has tested the topic."
PROBE = "inbound doctor probe"

_KEY = re.compile(r"emails/([a-z0-9._-]{1,253})/(indm_[A-Za-z0-9_-]{1,250})/([A-Za-z0-9._=-]{1,255})")
_BUCKET = re.compile(r"[a-z0-9.-]{3,63}")
_VERDICT = re.compile(r"[A-Z_]{1,20}")
_POLICY = re.compile(r"[A-Z]{1,10}")


class _NoArrival(Exception):
    """The reason why a notification tells of no stored mail."""


def read_notification(text: str) -> Arrival | Feedback | str:
    """The stored mail or the bounce that a notification tells of, or a sentence that says why it tells of none.

    `text` is the notification itself (raw message delivery), or the SNS message around it.
    """
    try:
        if not _is_wrapped(content := _json(text)):
            return _read(content)
        if content["Type"] != "Notification":
            raise _NoArrival("It is about a subscription.")
        return _read(_json(text_in(content, "Message")))
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


def _read(content: dict[str, Any]) -> Arrival | Feedback | str:
    return read_feedback(content) if "eventType" in content else _arrival(content)


def _arrival(content: dict[str, Any]) -> Arrival:
    kind = text_in(content, "notificationType")
    if kind == PROBE:
        raise _NoArrival("It is a probe of ses_doctor.")
    if kind != "Received":
        raise _NoArrival(f"It is about sent mail ({kind[:40]})." if kind else "It is not from SES.")
    mail, receipt = object_in(content, "mail"), object_in(content, "receipt")
    action = object_in(receipt, "action")
    bucket, key = text_in(action, "bucketName"), text_in(action, "objectKey")
    if SETUP_ID in (text_in(mail, "messageId"), key.rpartition("/")[2]):
        raise _NoArrival(SETUP)
    if text_in(action, "type") != "S3" or not _BUCKET.fullmatch(bucket):
        raise _NoArrival("It does not say where the mail is stored.")
    parts = _KEY.fullmatch(key)
    if not parts or len(key) > KEY_LENGTH:
        raise _NoArrival("The key is not in the folder of a domain.")
    headers = object_in(mail, "commonHeaders")
    return Arrival(
        bucket=bucket,
        key=key,
        domain_name=parts[1],
        domain_id=parts[2],
        ses_id=parts[3],
        recipients=_recipients(receipt),
        arrived_at=_time(mail, receipt),
        envelope_from=text_in(mail, "source")[:ADDRESS_LENGTH],
        verdicts=_verdicts(receipt),
        subject=text_in(headers, "subject")[:TEXT_LENGTH],
        sender=next(iter(texts_in(headers, "from")), "")[:TEXT_LENGTH],
        message_id=text_in(headers, "messageId")[:TEXT_LENGTH],
    )


def _recipients(receipt: dict[str, Any]) -> tuple[str, ...]:
    """The recipients that the rule has matched. SES may have them as the sender wrote them."""
    # A shortened address would be another one.
    found = [text.lower() for text in texts_in(receipt, "recipients") if text and len(text.lower()) <= ADDRESS_LENGTH]
    if not found:
        raise _NoArrival("It names no recipient.")
    return tuple(dict.fromkeys(found))


def _time(mail: dict[str, Any], receipt: dict[str, Any]) -> datetime:
    """When SES received the mail; otherwise when it stored it."""
    found = time_in(text_in(mail, "timestamp"), text_in(receipt, "timestamp"))
    if found is None:
        raise _NoArrival("It does not say when the mail arrived.")
    return found


def _verdicts(receipt: dict[str, Any]) -> Verdicts:
    found = {}
    for name in ("spf", "dkim", "dmarc", "spam", "virus"):
        status = text_in(object_in(receipt, f"{name}Verdict"), "status").upper()
        found[name] = status if _VERDICT.fullmatch(status) else ""
    policy = text_in(receipt, "dmarcPolicy").upper()
    return Verdicts(**found, dmarc_policy=policy if _POLICY.fullmatch(policy) else "")
