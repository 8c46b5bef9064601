"""Parts of an email as API and webhooks show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mail.models import Message

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
