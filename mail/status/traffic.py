"""How much mail arrives, and which domains get none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.base_user import AbstractBaseUser as User
from django.db.models import Exists, Max, OuterRef
from django.utils import timezone

from domains.models import Domain
from mail.models import MailCount, ReceivedEmail

DAY, SILENT = timedelta(days=1), timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Traffic:
    """`silent`: how many domains, verified for that long, have had no mail for seven days."""

    last_at: datetime | None
    in_24_hours: int
    silent: int


def traffic(owner: User | None = None) -> Traffic:
    """Of everybody, or of an owner; four statements. They read counts: their time does not depend on how much mail there is."""
    counts, received = MailCount.objects.live(), ReceivedEmail.objects.live()
    domains = Domain.objects.live().filter(status=Domain.Status.VERIFIED)
    if owner is not None:
        counts, received = counts.filter(domain__owner=owner.pk), received.owned_by(owner)
        domains = domains.owned_by(owner)
    now = timezone.now()
    (in_hours,), (before,) = counts.since(now - DAY), received.before_full_hour(now - DAY)
    # No index has all mail by time. The hours that have any are few rows, so the newest one shows where to look.
    newest = MailCount.objects.filter(unit=MailCount.Unit.HOUR, pk__in=counts.values("pk")).order_by("-start")
    last = received.filter(
        arrived_at__gte=newest.values("start")[:1],
        domain__in=counts.filter(unit=MailCount.Unit.HOUR, start=newest.values("start")[:1]).values("domain"),
    )
    recent = MailCount.objects.filter(unit=MailCount.Unit.DAY, start__gte=now - SILENT, domain=OuterRef("pk"))
    silent = domains.filter(verified_at__lte=now - SILENT).exclude(Exists(recent))
    return Traffic(last.aggregate(last=Max("arrived_at"))["last"], in_hours + before, silent.count())
