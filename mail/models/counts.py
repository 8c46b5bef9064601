"""How much mail a domain has received: in all, in each day and in each hour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any, Self

from django.db import models
from django.db.models import Aggregate, Count, Exists, OuterRef, Q, Sum

from domains.models import Domain, SharedQuerySet

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class MailCountQuerySet(SharedQuerySet["MailCount"]):
    def live(self) -> Self:
        """Without counts of domains that are being or have been deleted."""
        return self.filter(domain__deleting_since=None)

    def without_live_domain(self) -> list[str]:
        """The domains that are being or have been deleted, of whose mail rows are left. Mostly none."""
        live = Domain.objects.live().filter(pk=OuterRef("domain_id"))
        return list(self.filter(~Exists(live), unit=MailCount.Unit.ALL).values_list("domain_id", flat=True))

    def since(self, *moments: datetime) -> list[int]:
        """How many of these rows' emails came since each time, without those of `ReceivedEmailQuerySet.before_full_hour`."""
        some = self.filter(reduce(or_, map(whole_periods, moments)))
        return _counts(some, {moment: Sum("received", filter=whole_periods(moment)) for moment in moments})


class MailCount(models.Model):
    """A count of `ReceivedEmail` rows, which only triggers write (`rest/row_counts/periods.py`).

    A count that becomes 0 is deleted, so none is left when the mail of a domain has been erased. `domain` has no constraint in
    the database (see `Message`).
    """

    class Unit(models.TextChoices):
        # One row, which starts in 1970.
        ALL = "all"
        DAY = "day"
        HOUR = "hour"

    domain = models.ForeignKey(
        Domain, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="mail_counts"
    )
    unit = models.CharField(max_length=4, choices=Unit)
    start = models.DateTimeField(help_text="When the day or hour begins (UTC).")
    received = models.IntegerField()
    archived = models.IntegerField(help_text="How many of these are archived.")

    objects = MailCountQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["unit", "start", "domain"], name="mail_count_once_per_period"),
        ]

    def __str__(self) -> str:
        return f"{self.domain_id} {self.unit} {self.start:%Y-%m-%d %H:%M}"


def counted_before_full_hour(rows: models.QuerySet[Any], moments: Sequence[datetime]) -> list[int]:
    """How many of some received emails came between each time and the next full hour."""
    some = reduce(or_, map(rest_of_hour, moments))
    return _counts(rows.filter(some), {moment: Count("pk", filter=rest_of_hour(moment)) for moment in moments})


def _counts(rows: models.QuerySet[Any], numbers: Mapping[datetime, Aggregate]) -> list[int]:
    found = rows.aggregate(**{f"n{n}": number for n, number in enumerate(numbers.values())})
    return [found[f"n{n}"] or 0 for n in range(len(numbers))]


def whole_periods(since: datetime) -> Q:
    """The fewest counts that together have all mail since a time, except that of `rest_of_hour`."""
    hour, day = _next(since, HOUR), _next(since, DAY)
    unit = MailCount.Unit
    return Q(unit=unit.DAY, start__gte=day) | Q(unit=unit.HOUR, start__gte=hour, start__lt=day)


def rest_of_hour(since: datetime) -> Q:
    """The mail between a time and the next full hour, which no count has."""
    return Q(arrived_at__gte=since, arrived_at__lt=_next(since, HOUR))


def _next(moment: datetime, unit: timedelta) -> datetime:
    """The beginning of the first hour or day that is not before `moment`."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return epoch - (epoch - moment) // unit * unit
