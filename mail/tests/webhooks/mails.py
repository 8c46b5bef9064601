"""Emails that no row stands for: what a webhook says of a mail, without a database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from mail.ingest.columns import columns
from mail.models import Message, ReceivedEmail
from mail.parsing.reading.mail import read_mail
from mail.webhooks.payload import Addressee

ENDPOINT = Addressee("ep1", "Main")
ARRIVED = datetime(2026, 11, 10, 8, 0, 0, 250_000, tzinfo=UTC)
INGESTED = datetime(2026, 11, 10, 8, 0, 1, 500_000, tzinfo=UTC)


def email(raw: bytes = b"", **message: Any) -> ReceivedEmail:
    """An email as it is ingested from these bytes, with other columns if they are given."""
    read = columns(read_mail(raw), ARRIVED) if raw else {}
    values = {"arrived_at": ARRIVED, "ingested_at": INGESTED, "envelope_from": "bounce@example.net", **read, **message}
    return ReceivedEmail(
        pk="em1", recipient="hello@example.com", message=Message(size=len(raw), **values), arrived_at=ARRIVED
    )
