"""What has been done in 24 hours, from the audit log."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.base_user import AbstractBaseUser as User
from django.db.models import Count

from audit.actions import MODELS, Action
from audit.models import Change
from desk.state.values import LastDay

DAY = timedelta(days=1)
# Fields of LastDay by what they count.
COUNTED = {
    "domains_added": ("domain", Action.ADDED),
    "domains_deleted": ("domain", Action.DELETED),
    "deletions_proved": ("deletion", Action.PROVED),
    "addresses_added": ("emailAddress", Action.ADDED),
    "addresses_deleted": ("emailAddress", Action.DELETED),
    "keys_revoked": ("apiKey", Action.REVOKED),
}


def read_last_day(owner: User | None, now: datetime) -> LastDay:
    """One statement."""
    changes = Change.objects.filter(at__gte=now - DAY)
    if owner is not None:
        changes = changes.filter(owner=owner.pk)
    rows = changes.order_by().values("object_type", "action").annotate(number=Count("pk"))
    found = {(row["object_type"], row["action"]): row["number"] for row in rows}
    return LastDay(**{name: found.get((MODELS[what], action.value), 0) for name, (what, action) in COUNTED.items()})
