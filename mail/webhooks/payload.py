"""What a webhook says about an email (docs/api/webhooks.md). It is the same on every attempt, because nothing here is of today."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.urls import reverse

from mail.models import Message, ReceivedEmail
from mail.shapes import security, shown_attachment, thread_id
from rest.fields import timestamp

EVENT = "email.received"
# What `config.payload` may be, besides "full". Any other text counts as that.
NO_RAW, THIN = "noRaw", "thin"
# A Date header that was read. What could not be read is shown as it is.
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
# Of the parser, as a receiver knows them.
NAMES = {"text": "textBody", "html": "htmlBody"}

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Addressee:
    """The endpoint as the body names it, and how much it wants to know."""

    id: str
    name: str
    mode: str = "full"

    @property
    def wants_raw(self) -> bool:
        return self.mode not in (NO_RAW, THIN)


def payload(received: ReceivedEmail, addressee: Addressee, raw: str | None) -> Payload:
    """The body of a webhook, of any size. `raw`: the text of the stored mail, if there is one and the endpoint wants it.

    Members and their order are the contract's; then come those that only inbound has.
    """
    message = received.message
    is_thin = addressee.mode == THIN
    text, html = ("", "") if is_thin else (message.text, message.html)
    headers = {} if is_thin else message.headers
    attachments = [
        {**_present(shown_attachment(each).items()), "downloadUrl": _url("mail-attachment", received.pk, index)}
        for index, each in enumerate(message.attachments)
    ]
    truncated = [NAMES.get(name, name) for name in message.truncated]
    if addressee.wants_raw and raw is None and "raw" not in truncated:
        truncated.append("raw")
    return {
        "event": EVENT,
        "timestamp": sent_timestamp(message),
        "email": {
            "id": received.pk,
            "messageId": message.rfc_id or None,
            "from": message.addresses.get("from"),
            "to": message.addresses.get("to"),
            "recipient": received.recipient,
            "subject": message.subject or None,
            "receivedAt": timestamp(message.received_at),
            "threadId": thread_id(received),
            "parsedData": {
                **_present({"messageId": message.rfc_id, "date": _date(message), "subject": message.subject}.items()),
                **{name: message.addresses.get(name) for name in ("from", "to", "cc", "bcc", "replyTo")},
                **_present(
                    {
                        "inReplyTo": message.in_reply_to,
                        "references": message.references,
                        "textBody": text,
                        "htmlBody": html,
                        "raw": raw if addressee.wants_raw else None,
                    }.items()
                ),
                "attachments": attachments,
                "headers": headers,
                **_present({"priority": message.priority}.items()),
            },
            "cleanedContent": {
                "html": html or None,
                "text": text or None,
                "hasHtml": bool(message.html),
                "hasText": bool(message.text),
                "attachments": attachments,
                "headers": headers,
            },
            "security": security(message),
            "envelope": {"from": message.envelope_from or None, "recipient": received.recipient},
            "rawUrl": _url("mail-raw", received.pk),
            "truncated": truncated,
        },
        "endpoint": {"id": addressee.id, "name": addressee.name, "type": "webhook"},
    }


def sent_timestamp(message: Message) -> str:
    """The time in the body and in X-Webhook-Timestamp: when the mail had been read, whenever this attempt is."""
    return timestamp(message.ingested_at or message.arrived_at)


def _present(members: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Without those that are empty: JavaScript leaves out what is undefined."""
    return {name: value for name, value in members if value not in (None, "", [])}


def _date(message: Message) -> str | None:
    date = message.headers.get("date")
    return date if isinstance(date, str) and DATE.fullmatch(date) else None


def _url(name: str, *arguments: str | int) -> str:
    return str(settings.PUBLIC_URL + reverse(name, args=arguments))
