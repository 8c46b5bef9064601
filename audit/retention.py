"""The end of old entries, by AUDIT_DAYS. The database refuses to delete younger ones than 90 days (`audit/append_only.py`)."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now

from audit.models import Change

AT_ONCE = 1000


def prune_changes(stop: Callable[[], bool] = lambda: False, *, seconds: float) -> int:
    """Delete entries older than AUDIT_DAYS in batches, for about `seconds`. Returns how many. 0 days keep all of them."""
    until = time.monotonic() + seconds
    pruned = 0
    while settings.AUDIT_DAYS and not stop():
        old = Change.objects.filter(at__lt=Now() - timedelta(days=settings.AUDIT_DAYS)).order_by("at")
        deleted, _ = Change.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:AT_ONCE])).delete()
        pruned += deleted
        if deleted < AT_ONCE or time.monotonic() >= until:
            break
    return pruned
