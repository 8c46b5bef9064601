"""Received mail for tests of its pages: stored in the bucket, and parsed as the mail worker parses it."""

from __future__ import annotations

from datetime import timedelta
from email.message import EmailMessage
from io import BytesIO
from typing import Any

from django.utils import timezone

from domains.models import Domain
from inbound.tests.support.factories import MessageFactory, ReceivedEmailFactory
from mail.ingest.columns import columns
from mail.models import ReceivedEmail
from mail.parsing.pool import Parser
from ses_integration.aws import clients

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def composed(subject: str = "Offer", text: str = "Hello", html: str = "", **attachments: bytes) -> bytes:
    """A mail from Ann. The name of an attachment is that of the argument, with `_` for a dot."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Ann <ann@example.net>", "hello@example.com", subject
    mail["Message-ID"] = "<1@example.net>"
    mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html")
    for name, content in attachments.items():
        mail.add_attachment(content, maintype="image", subtype="png", filename=name.replace("_", "."))
    return mail.as_bytes()


def received(domain: Domain, raw: bytes, recipient: str = "hello@example.com", **values: Any) -> ReceivedEmail:
    """The mail with its rows and its object. `values` are columns of its Message."""
    with Parser(seconds=10, megabytes=512) as parser:
        parsed = parser.parse(BytesIO(raw))
    arrived_at = timezone.now() - timedelta(minutes=5)
    read = columns(parsed, arrived_at) | {"size": len(raw), "ingested_at": timezone.now(), "arrived_at": arrived_at}
    message = MessageFactory(domain=domain, **(read | values))
    clients.s3("eu-west-1").put_object(Bucket=message.bucket, Key=message.key, Body=raw)
    row: ReceivedEmail = ReceivedEmailFactory(message=message, recipient=recipient)
    return row
