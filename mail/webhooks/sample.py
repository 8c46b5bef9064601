"""A mail that nobody has sent, for the test of an endpoint, and how Discord and Slack are told of it."""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from mail.ingest.columns import columns
from mail.models import Message, ReceivedEmail
from mail.parsing.reading.mail import read_mail
from rest.fields import timestamp
from rest.ids import new_id

SENDER, RECIPIENT = "test@example.com", "test@yourdomain.com"
SUBJECT = "Test Email - Inbound Email Service"
TEXT = "This is a test email.\nRendered for webhook testing."
HTML = "<div><p>This is a test email.</p><p><strong>Rendered for webhook testing.</strong></p></div>"
TITLE = "Test Email Received"
FOOTER = "Inbound Email Service - Test"
GREEN = 0x00FF00


def sample(now: datetime) -> tuple[ReceivedEmail, str]:
    """An email without a row, and its raw text. It is read like any other, so its shapes are those of real mail."""
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = f"Inbound Test <{SENDER}>", RECIPIENT, SUBJECT
    mail["Message-ID"], mail["Date"] = f"<test-{new_id()}@example.com>", format_datetime(now)
    mail.set_content(TEXT)
    mail.add_alternative(HTML, subtype="html")
    raw = mail.as_bytes()
    message = Message(
        envelope_from=SENDER, arrived_at=now, ingested_at=now, size=len(raw), **columns(read_mail(raw), now)
    )
    return ReceivedEmail(message=message, recipient=RECIPIENT, arrived_at=now), raw.decode()


def for_discord(email: ReceivedEmail) -> dict[str, Any]:
    message = email.message
    fields = [("From", SENDER, True), ("To", RECIPIENT, True), ("Message ID", f"`{message.rfc_id}`", False)]
    embed = {
        "title": message.subject,
        "description": TEXT,
        "color": GREEN,
        "timestamp": timestamp(message.arrived_at),
        "footer": {"text": FOOTER},
        "fields": [{"name": name, "value": value, "inline": is_short} for name, value, is_short in fields],
    }
    return {"content": f"📧 **{TITLE}**", "embeds": [embed]}


def for_slack(email: ReceivedEmail) -> dict[str, Any]:
    message = email.message
    fields = [("From", SENDER, True), ("To", RECIPIENT, True), ("Message ID", message.rfc_id, False)]
    attachment = {
        "fallback": f"Test email: {message.subject}",
        "color": "good",
        "title": message.subject,
        "text": TEXT,
        "fields": [{"title": name, "value": value, "short": is_short} for name, value, is_short in fields],
        "footer": FOOTER,
        "ts": int(message.arrived_at.timestamp()),
    }
    return {"text": f"📧 *{TITLE}*", "username": "Inbound Email", "attachments": [attachment]}
