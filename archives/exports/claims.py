"""Claims: which process works on an export. A claim is a `retry_at` in the future; `attempts` tells it from later ones."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from archives.models import Export, ExportQuerySet
from ses_integration.api import SesError, retry_delay

# Renewed every RENEW_SECONDS, before each call to S3, and at a commit. A call takes at most about a minute.
CLAIM = timedelta(minutes=3)
RENEW_SECONDS = 10.0
# How long an export is tried without a further part.
GIVEN_UP = timedelta(days=1)
BUG = "inbound could not make the archive; the log says why."
OFTEN = 5


class Lost(Exception):
    """Another process has the export, or its domain is being deleted."""


def claim_next() -> Export | None:
    """Claim what has been due for longest."""
    with transaction.atomic(durable=True):
        export = Export.objects.due().select_for_update(skip_locked=True).order_by("retry_at").first()
        if export is not None:
            Export.objects.filter(pk=export.pk).update(retry_at=Now() + CLAIM, attempts=F("attempts") + 1)
            export.attempts += 1
    return export


def held(export: Export) -> ExportQuerySet:
    """The row, as long as this process has the claim."""
    return Export.objects.filter(pk=export.pk, attempts=export.attempts, state=export.state)


def update(export: Export, **values: Any) -> None:
    """Change the row. Raises Lost without the claim."""
    if not held(export).update(**values):
        raise Lost
    for name, value in values.items():
        # Not those that the database computes.
        if not hasattr(value, "resolve_expression"):
            setattr(export, name, value)


def renew(export: Export) -> None:
    """Keep the claim. Raises Lost."""
    update(export, retry_at=Now() + CLAIM)


def release(export: Export) -> None:
    """Let any process go on, after those that have waited longer."""
    held(export).update(retry_at=Now())


def let_go(export: Export) -> None:
    """After Lost: nothing of this process is on its way to S3 any more, so whoever erases the archive need not wait."""
    Export.objects.filter(pk=export.pk, attempts=export.attempts, state=Export.State.ERASING).update(retry_at=Now())


def postpone(export: Export, error: SesError | None = None) -> None:
    """Try again later. Without an `error` it is a bug, which the log shows."""
    if timezone.now() > export.progressed_at + GIVEN_UP:
        held(export).update(state=Export.State.ERASING, ended=Export.State.FAILED, retry_at=Now(), problem=_why(error))
        return
    failures = export.failures + 1
    bug = error is None and failures > OFTEN
    held(export).update(
        failures=failures,
        problem=_why(error),
        stalled=bug or (error is not None and error.needs_attention),
        retry_at=Now() + retry_delay(failures, error=error, needs_attention=bug),
    )


def _why(error: SesError | None) -> str:
    return (BUG if error is None else error.sentence)[:500]
