"""Parts of an email as API and webhooks show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mail.models import Message, ReceivedEmail

# Of SES, as columns and as members of `security`.
VERDICTS = ("spf", "dkim", "dmarc", "spam", "virus")


def security(message: Message) -> dict[str, str]:
    return {name: getattr(message, name) or "UNKNOWN" for name in VERDICTS}


def header_text(addresses: Mapping[str, Any], header: str) -> str:
    """The text of a header with addresses, from `Message.addresses`. Empty without the header."""
    return (addresses.get(header) or {}).get("text") or ""


def shown_attachment(attachment: Mapping[str, Any]) -> dict[str, Any]:
    """A member of `Message.attachments`."""
    return {
        "filename": attachment["filename"],
        "contentType": attachment["content_type"],
        "size": attachment["size"],
        "contentId": attachment["content_id"],
        "contentDisposition": attachment["disposition"],
    }


def thread_id(received: ReceivedEmail) -> str:
    """What a mail itself says of its thread: the first mail that it refers to, else its own Message-ID."""
    message = received.message
    references: list[str] = message.references
    return next(filter(None, [*references, message.in_reply_to, message.rfc_id, received.pk]))
