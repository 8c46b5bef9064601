"""Keep a sample of the usage of SES's quotas for each day, and say when they would be full."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from desk.models import CapacitySample
from ses_integration.api import capacity, database_now

# What the page shows, and what is kept.
SHOWN, KEPT = timedelta(days=30), timedelta(days=400)
# A line through fewer days says little.
FEWEST = 3


def take_sample() -> None:
    """Write down today's usage. Runs in the worker each hour, so a sample is that of the end of its day."""
    used = capacity()
    if not used.region:
        return
    today = database_now().date()
    CapacitySample.objects.update_or_create(
        region=used.region,
        rule_set=used.rule_set,
        day=today,
        defaults={"rules": used.rules.total, "identities": used.identities.total},
    )
    CapacitySample.objects.filter(day__lt=today - KEPT).delete()


def recent(region: str, rule_set: str, today: date) -> list[CapacitySample]:
    found = CapacitySample.objects.filter(region=region, rule_set=rule_set, day__gt=today - SHOWN)
    return list(found.order_by("day"))


def days_until_full(days: Sequence[date], used: Sequence[int], limit: int) -> int | None:
    """At the average growth of the samples. None if it does not grow, or if there are too few samples to tell."""
    if len(days) < FEWEST or used[-1] >= limit:
        return None
    grown, span = used[-1] - used[0], (days[-1] - days[0]).days
    return (limit - used[-1]) * span // grown if grown > 0 and span > 0 else None
