"""Arrivals as SES would tell of them, without a mail in the bucket."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from domains.models import Domain
from mail.models import ReceivedEmail
from ses_integration.api import Arrival

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def arrival(domain: Domain, ses_id: str = "one", *recipients: str, **values: Any) -> Arrival:
    """A mail for these recipients, by default for hello@ the domain."""
    given = {
        "bucket": "inbound-mail",
        "key": f"{domain.key_prefix}{ses_id}",
        "domain_name": domain.name,
        "domain_id": domain.pk,
        "ses_id": ses_id,
        "recipients": recipients or (f"hello@{domain.name}",),
        "arrived_at": NOON,
    }
    return Arrival(**{**given, **values})


def listed() -> set[tuple[str, str]]:
    """SES message id and recipient of every row. Fails if one is there twice."""
    rows = list(ReceivedEmail.objects.values_list("message__ses_id", "recipient"))
    assert len(rows) == len(set(rows))
    return set(rows)
