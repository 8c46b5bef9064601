"""Claims: which process works on an export or an import. A claim is a `retry_at` in the future; `attempts` tells it from later
ones."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Count, F
from django.db.models.functions import Now
from django.utils import timezone

from archives.models import Claimed, ClaimedQuerySet
from backoffice.text import plural
from ses_integration.api import SesError, retry_delay

logger = logging.getLogger(__name__)

Row = TypeVar("Row", bound=Claimed)

# Renewed every RENEW_SECONDS, before each call to S3, and at a commit. A call takes at most about a minute.
CLAIM = timedelta(minutes=3)
RENEW_SECONDS = 10.0
# How long it is tried without a further part. Its erasure is tried until it succeeds.
GIVEN_UP = timedelta(days=1)
# How long lists tell what became of one.
REMEMBERED = timedelta(days=30)
BUG = "inbound could not go on; the log says why."
OFTEN = 5


class Lost(Exception):
    """Another process has it, or its domain is being deleted."""


def claim_next(rows: ClaimedQuerySet[Row]) -> Row | None:
    """Claim what has been due for longest."""
    with transaction.atomic(durable=True):
        row = rows.due().select_for_update(skip_locked=True).order_by("retry_at").first()
        if row is not None:
            rows.filter(pk=row.pk).update(retry_at=Now() + CLAIM, attempts=F("attempts") + 1)
            row.attempts += 1
    return row


def _row(row: Row) -> ClaimedQuerySet[Row]:
    rows: ClaimedQuerySet[Row] = type(row)._default_manager.filter(pk=row.pk, attempts=row.attempts)  # type: ignore[assignment]
    return rows


def held(row: Row) -> ClaimedQuerySet[Row]:
    """The row, as long as this process has the claim."""
    return _row(row).filter(state=row.state)


def update(row: Claimed, **values: Any) -> None:
    """Change the row. Raises Lost without the claim."""
    if not held(row).update(**values):
        raise Lost
    for name, value in values.items():
        # Not those that the database computes.
        if not hasattr(value, "resolve_expression"):
            setattr(row, name, value)


def renew(row: Claimed) -> None:
    """Keep the claim. Raises Lost."""
    update(row, retry_at=Now() + CLAIM)


def release(row: Claimed) -> None:
    """Let any process go on, after those that have waited longer."""
    held(row).update(retry_at=Now())


def let_go(row: Claimed) -> None:
    """After Lost: nothing of this process is on its way to S3 any more, so whoever erases the archive need not wait."""
    _row(row).filter(state="erasing").update(retry_at=Now())


def postpone(row: Claimed, error: SesError | None = None) -> None:
    """Try again later. Without an `error` it is a bug, which the log shows."""
    if not row.failures:
        # What has waited for a worker, or for a restore, has not been tried meanwhile.
        held(row).update(progressed_at=Now())
    elif row.state in row.UNFINISHED and timezone.now() > row.progressed_at + GIVEN_UP:
        held(row).update(state="erasing", ended="failed", retry_at=Now(), problem=_why(error))
        return
    failures = row.failures + 1
    bug = error is None and failures > OFTEN
    held(row).update(
        failures=failures,
        problem=_why(error),
        stalled=bug or (error is not None and error.needs_attention),
        retry_at=Now() + retry_delay(failures, error=error, needs_attention=bug),
    )


def take_turns(
    rows: ClaimedQuerySet[Row], turn: Callable[[Row, float], int], stop: Callable[[], bool], seconds: float
) -> int:
    """Claim what is due and work on it, one after the other. Returns the sum of what the turns return.

    `turn` gets a value of `time.monotonic()` at which to end, and may raise Lost, SesError and OSError.
    """
    until = time.monotonic() + seconds
    completed = 0
    while not stop() and (row := claim_next(rows)) is not None:
        try:
            completed += turn(row, until)
        except Lost:
            let_go(row)
        except SesError as error:
            logger.warning("The %s %s: %s", row._meta.verbose_name, row.pk, error.sentence)
            postpone(row, error)
        except OSError:
            # A disk that is full, most likely.
            logger.exception("The %s %s could not go on.", row._meta.verbose_name, row.pk)
            postpone(row)
        if time.monotonic() > until:
            break
    return completed


def _why(error: SesError | None) -> str:
    return (BUG if error is None else error.sentence)[:500]


def left(rows: ClaimedQuerySet[Any], noun: str) -> str:
    """What is not finished or erased, with the most frequent problem, as a part of a sentence."""
    waiting = rows.unfinished() | rows.filter(state="erasing")
    found = waiting.order_by().values("problem").annotate(number=Count("pk")).order_by("-number", "problem")
    problems = {row["problem"]: row["number"] for row in found}
    why = next(filter(None, problems), "")
    because = f" ({why.rstrip('.')})" if why else ""
    return f"{plural(sum(problems.values()), noun)}{because}" if problems else ""
