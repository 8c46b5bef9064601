"""`GET /mail/stats`: how much mail has arrived, by day (docs/api/compatibility.md, "Received mail")."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Sum
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from mail.models import MailCount, Message
from rest.fields import SchemaOnly
from rest.filters import IdFilter

DEFAULT_DAYS, MOST_DAYS = 30, 90
DAYS_ERROR = f"days must be between 1 and {MOST_DAYS}"
DOMAIN_ID = IdFilter("domainId", "domain_id")


class StatsSerializer(serializers.Serializer[Any]):
    received = serializers.IntegerField()
    bytes = serializers.IntegerField()
    byDay = SchemaOnly("array")

    def to_representation(self, instance: Mapping[str, Any]) -> dict[str, Any]:
        return dict(instance)


def stats_of(owner: User, query: Mapping[str, str]) -> dict[str, Any]:
    """Counts of the last days (UTC), today included. Two statements."""
    days = _days(query.get("days") or str(DEFAULT_DAYS))
    midnight = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    since = midnight - timedelta(days=days - 1)
    domain_id = query.get(DOMAIN_ID.parameter)
    counts = MailCount.objects.live().filter(domain__owner=owner, unit=MailCount.Unit.DAY, start__gte=since)
    by_day: dict[datetime, int] = dict(
        DOMAIN_ID.apply(counts, domain_id).values_list("start").annotate(received=Sum("received"))
    )
    messages = Message.objects.live().filter(domain__owner=owner, arrived_at__gte=since)
    stored = DOMAIN_ID.apply(messages, domain_id).aggregate(bytes=Sum("size"))
    moments = [since + timedelta(days=n) for n in range(days)]
    return {
        "received": sum(by_day.values()),
        "bytes": stored["bytes"] or 0,
        "byDay": [{"day": f"{moment:%Y-%m-%d}", "received": by_day.get(moment, 0)} for moment in moments],
    }


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 3 or not 1 <= int(text) <= MOST_DAYS:
        raise ValidationError(DAYS_ERROR)
    return int(text)
