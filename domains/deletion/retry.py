"""Retry an unfinished deletion now, ignoring its back-off, because an operator has fixed the cause."""

from __future__ import annotations

from django.db.models.functions import Now

from audit.actions import Action
from backoffice.text import moment, plural
from domains.deletion.erase import CLAIM
from domains.deletion.record import record_progress, warning
from domains.deletion.service import ERASE_SECONDS_IN_REQUEST, advance
from domains.models import DomainDeletion, Step
from ses_integration.api import retry_now, shared_deadline

# A claim is stored as the time of the next attempt. Twice the length of a claim, because its holder may be renewing it right now.
MAYBE_CLAIMED = 2 * CLAIM


def retry_deletion(record: DomainDeletion, *, seconds: float | None = None) -> str:
    """Continue a deletion before its next attempt is due, and return sentences about the outcome.

    Runs for `seconds`, erasing included, unless an outer deadline ends first; by default as long as a request. Does not take
    over a claim, because the versions that its holder erases would not be counted.
    """
    record_progress(record, Action.RETRIED, pending=record.pending_steps)
    before, erased, attempts = record.pending_steps, _erased(record), record.attempts
    if Step.PENDING in (record.rules, record.identity):
        # As in ses_sync: a manual retry must not lengthen the worker's back-off.
        retry_now(record.name)
    backing_off = DomainDeletion.objects.pending().filter(pk=record.pk, retry_at__gt=Now() + MAYBE_CLAIMED)
    backing_off.update(retry_at=None)
    with shared_deadline(seconds):
        advance(record, erase_seconds=ERASE_SECONDS_IN_REQUEST if seconds is None else seconds)
    if record.finished_at is not None:
        return "finished."
    done = [step for step in before if step not in record.pending_steps]
    emails, versions = (now - then for now, then in zip(_erased(record), erased, strict=True))
    new = [plural(number, what) for number, what in ((emails, "received email"), (versions, "version")) if number]
    sentences = [
        f"Done now: {record.labels(done)}." if done else "",
        f"Erased now: {', '.join(new)}." if new else "",
        f"Still pending: {record.labels(record.pending_steps)}.",
        warning(record) or "",
        _next_attempt(record, tried=record.attempts > attempts),
    ]
    return " ".join(filter(None, sentences))


def _erased(record: DomainDeletion) -> tuple[int, int]:
    return record.erased_emails, record.erased_versions


def _next_attempt(record: DomainDeletion, *, tried: bool) -> str:
    """When stored mail is tried again, if it is the only pending step."""
    waits = DomainDeletion.objects.filter(pk=record.pk, retry_at__gt=Now())
    if record.pending_steps != ["stored_mail"] or record.retry_at is None or not waits.exists():
        return ""
    at = moment(record.retry_at)
    return f"Next try {at}." if tried else f"Another process may be erasing it now; otherwise the next try is {at}."
