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
    """Of everybody, or of an owner; up to five statements. They read counts: their time does not depend on the amount of mail."""
    counts, received = MailCount.objects.live(), ReceivedEmail.objects.live()
    domains = Domain.objects.live().filter(status=Domain.Status.VERIFIED)
    if owner is not None:
        counts, received = counts.filter(domain__owner=owner.pk), received.owned_by(owner)
        domains = domains.owned_by(owner)
    now = timezone.now()
    (in_hours,), (before,) = counts.since(now - DAY), received.before_full_hour(now - DAY)
    hours = counts.filter(unit=MailCount.Unit.HOUR)
    # Few rows, which show where to look: also if the newest mail is that of a domain that is being deleted.
    newest = hours.order_by("-start").values_list("start", flat=True).first()
    recent = MailCount.objects.filter(unit=MailCount.Unit.DAY, start__gte=now - SILENT, domain=OuterRef("pk"))
    silent = domains.filter(verified_at__lte=now - SILENT).exclude(Exists(recent))
    last_at = None
    if newest is not None:
        last = received.filter(arrived_at__gte=newest, domain__in=hours.filter(start=newest).values("domain"))
        last_at = last.aggregate(last=Max("arrived_at"))["last"]
    return Traffic(last_at, in_hours + before, silent.count())
