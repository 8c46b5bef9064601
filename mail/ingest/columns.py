"""What was read from a mail, as columns of its row."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from mail.parsing.parsed import ParsedMail

# A Date header is believed if it is not older than this when the mail arrives, and not further ahead.
OLDEST, FURTHEST = timedelta(days=30), timedelta(days=1)


def columns(parsed: ParsedMail, arrived_at: datetime) -> dict[str, Any]:
    """Every column that parsing fills. What the mail does not say is left as the notification said it."""
    name, address = _sender(parsed)
    told = {
        "subject": parsed.subject,
        "rfc_id": parsed.message_id,
        "from_name": name if address is not None else None,
        "from_address": None if address is None else address[:320],
    }
    return {
        **{column: value for column, value in told.items() if value is not None},
        "sent_at": sent_at(parsed.date, arrived_at),
        "in_reply_to": parsed.in_reply_to or "",
        "references": parsed.references,
        "priority": (parsed.priority or "")[:6],
        "addresses": parsed.addresses,
        "headers": parsed.headers,
        "text": parsed.text or "",
        "html": parsed.html or "",
        "preview": parsed.preview[:200],
        "attachments": [asdict(attachment) for attachment in parsed.attachments],
        "attachment_count": len(parsed.attachments),
        "truncated": parsed.truncated,
        "parse_error": (parsed.error or "")[:500],
        "parse_seconds": parsed.seconds,
    }


def sent_at(date: str | None, arrived_at: datetime) -> datetime | None:
    """The time of the Date header, if it is near the arrival. Senders may write any."""
    if not date:
        return None
    try:
        sent = datetime.fromisoformat(date)
        return sent if -FURTHEST <= arrived_at - sent <= OLDEST else None
    except (ValueError, TypeError, OverflowError):
        # No date, one without zone, or one that is outside the calendar in another zone.
        return None


def _sender(parsed: ParsedMail) -> tuple[str, str | None]:
    """Name and address of the first sender; the address is None if the mail names none."""
    senders = (parsed.addresses.get("from") or {}).get("addresses") or [{}]
    return senders[0].get("name") or "", senders[0].get("address") or None
