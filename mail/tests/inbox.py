"""Received emails for tests."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from io import BytesIO
from typing import Any

from domains.models import Domain
from inbound.tests.support.factories import ReceivedEmailFactory
from mail.models import ReceivedEmail
from mail.parsing.parsed import attachment_as_plain
from mail.parsing.pool import Parser
from ses_integration.aws import clients
from ses_integration.conf import ses_config

URL = "/api/v2/mail"


def received(domain: Domain, recipient: str = "", pk: str = "", **message: Any) -> ReceivedEmail:
    """An email that was received, of a message with these columns."""
    columns: dict[str, Any] = {f"message__{name}": value for name, value in message.items()}
    columns |= {"pk": pk} if pk else {}
    row: ReceivedEmail = ReceivedEmailFactory(
        message__domain=domain, recipient=recipient or f"hello@{domain.name}", **columns
    )
    return row


def person(name: str, address: str) -> dict[str, Any]:
    """A member of `Message.addresses`."""
    return {"text": f"{name} <{address}>", "addresses": [{"name": name, "address": address}]}


def stored(domain: Domain, raw: bytes, **message: Any) -> ReceivedEmail:
    """An email whose object is in the bucket. Without `attachments`, they are read from it."""
    if "attachments" not in message:
        with Parser(seconds=10, megabytes=512) as parser:
            mail = parser.parse(BytesIO(raw))
        message["attachments"] = [attachment_as_plain(attachment) for attachment in mail.attachments]
    email = received(domain, **{"size": len(raw), "attachment_count": len(message["attachments"]), **message})
    config = ses_config()
    clients.s3(config.region).put_object(Bucket=config.bucket, Key=email.message.key, Body=raw)
    return email


def mail_with(*attachments: tuple[str | None, str, bytes], text: str = "Hello") -> bytes:
    """A mail with attachments of these names, types and contents."""
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = "jo@example.net", "hello@example.com", "Hi"
    mail.set_content(text)
    for name, kind, content in attachments:
        mail.add_attachment(content, *kind.split("/"), filename=name)
    return mail.as_bytes()


# A mail with an attachment, and what the parser says of that.
RAW = mail_with(("a.txt", "text/plain", b"An attachment"))
ATTACHMENTS = [
    {
        "index": 0,
        "filename": "a.txt",
        "content_type": "text/plain",
        "size": 13,
        "content_id": None,
        "disposition": "attachment",
    }
]
