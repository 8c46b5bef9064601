"""How much mail a list has, from the counts that the database keeps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.contrib.auth.models import User
from django.db.models import Q, Sum
from django.db.models.functions import Coalesce

from mail.models import MailCount, ReceivedEmailQuerySet, rest_of_hour, whole_periods

WHOLE = Q(unit=MailCount.Unit.ALL)


class _Counted(NamedTuple):
    """Counts of a domain. `recent`: in whole hours and days since a time."""

    domain: str
    all: int
    archived: int
    recent: int
    recent_archived: int


@dataclass(frozen=True, slots=True)
class Inbox:
    """The counts of all live domains with mail that a user sees. `since`: None without a limit."""

    since: datetime | None
    counted: list[_Counted]

    @classmethod
    def of(cls, user: User, since: datetime | None) -> Inbox:
        """One statement. It reads at most two days' hours and the days since then, for each domain."""
        recent = whole_periods(since) if since else WHOLE
        rows = MailCount.objects.live().visible_to(user).filter(WHOLE | recent)
        sums = {
            "all": Sum("received", filter=WHOLE),
            "gone": Sum("archived", filter=WHOLE),
            "recent": Coalesce(Sum("received", filter=recent), 0),
            "recent_gone": Coalesce(Sum("archived", filter=recent), 0),
        }
        found = rows.values_list("domain__name").annotate(**sums).order_by("domain__name")
        return cls(since, [_Counted(*row) for row in found])

    @property
    def domains(self) -> list[str]:
        return [row.domain for row in self.counted]

    def totals(self, rows: ReceivedEmailQuerySet, *, domain: str, archived: bool) -> tuple[int, int]:
        """The mail since `since`, and the older mail, of all domains or of the one named. `rows`: all mail that these count.

        One statement, for the first part of an hour.
        """
        of = [row for row in self.counted if domain in ("", row.domain)]
        every = sum(row.all - (0 if archived else row.archived) for row in of)
        if self.since is None:
            return every, 0
        recent = sum(row.recent - (0 if archived else row.recent_archived) for row in of)
        recent += rows.filter(rest_of_hour(self.since)).count()
        return recent, max(0, every - recent)
