"""Going on with a deletion before its turn, because somebody has mended what kept it and does not want to wait."""

from __future__ import annotations

from django.db.models.functions import Now

from domains.deletion.erase import CLAIM
from domains.deletion.record import Step
from domains.deletion.service import ERASE_SECONDS_IN_REQUEST, advance, warning
from domains.models import DomainDeletion
from ses_integration.api import database_now, retry_now, shared_deadline

STEPS = {"rules": "rules", "identity": "identity", "rows": "rows", "stored_mail": "stored mail"}
# A claim is kept where the next turn is. Twice as long: whoever has one renews it while this is being asked.
MAYBE_CLAIMED = 2 * CLAIM


def try_now(record: DomainDeletion, *, seconds: float | None = None) -> str:
    """Go on with what the deletion owes, whenever its next turn would be; what came of it, for people.

    `seconds` is for how long, erasing included (an outer budget wins); by default as long as a request has. Only a turn
    that may be somebody's claim to be erasing at this moment is left alone: what they erase would not be counted.
    """
    pending, erased, attempts = record.owed_steps, record.erased_versions, record.attempts
    if Step.OWED in (record.rules, record.identity):
        # As ses_sync: a try by hand must not make the worker wait for longer.
        retry_now(record.name)
    late = DomainDeletion.objects.pending().filter(pk=record.pk, retry_at__gt=Now() + MAYBE_CLAIMED)
    late.update(retry_at=None)
    with shared_deadline(seconds):
        advance(record, erase_seconds=ERASE_SECONDS_IN_REQUEST if seconds is None else seconds)
    if record.finished_at is not None:
        return "finished."
    reached = [STEPS[step] for step in pending if step not in record.owed_steps]
    sentences = [
        f"Done now: {', '.join(reached)}." if reached else "",
        f"Erased now: {record.erased_versions - erased:,} versions." if record.erased_versions > erased else "",
        f"Still owed: {', '.join(STEPS[step] for step in record.owed_steps)}.",
        warning(record) or "",
        _turn(record, tried=record.attempts > attempts),
    ]
    return " ".join(filter(None, sentences))


def _turn(record: DomainDeletion, *, tried: bool) -> str:
    """When stored mail is tried next, where that is all that is waited for."""
    if record.owed_steps != ["stored_mail"] or record.retry_at is None or record.retry_at <= database_now():
        return ""
    moment = f"{record.retry_at:%Y-%m-%d %H:%M:%S} UTC"
    return f"Next try {moment}." if tried else f"It is being tried at this moment, or else at {moment}."
