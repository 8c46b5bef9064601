"""A look at the active rule set between two sweeps: whether something foreign is there that the last sweep has not seen."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q

from ses_integration.aws.observe import observe_active_rules
from ses_integration.conf import SesConfig
from ses_integration.coordination.clock import database_now, written_ahead
from ses_integration.models import SesSweep
from ses_integration.watch.kept import foreign_digest

# How often somebody looks: one call. With the time until a worker asks again, a change is seen within a minute.
LOOK_SECONDS = 45.0


def has_changed(config: SesConfig) -> bool:
    """Look, if it is time and nobody else does; one call. Raises SesError."""
    row = SesSweep.objects.of(config).filter(ended_at__isnull=False).first()
    now = database_now()
    is_due = Q(looked_at__lte=now - timedelta(seconds=LOOK_SECONDS)) | written_ahead("looked_at", now)
    due = SesSweep.objects.of(config).filter(is_due)
    # Before the first sweep there is nothing to compare with.
    if row is None or not due.update(looked_at=now):
        return False
    return foreign_digest(config, *observe_active_rules(config)) != row.foreign_digest
