"""Admin actions that change SES now."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.contrib import messages
from django.http import HttpRequest

from audit.actions import Action
from audit.record import record_names
from backoffice.text import plural, shortened
from ses_integration.conf import ses_config
from ses_integration.coordination.deadline import shared_deadline
from ses_integration.drift import repair
from ses_integration.errors import SesError
from ses_integration.models import DomainSync
from ses_integration.reconcile import outbox
from ses_integration.reconcile.loop import reconcile
from ses_integration.status import wording
from ses_integration.status.sync_state import SyncState


def update(domains: Collection[str]) -> list[SyncState]:
    """Mark the domains dirty, and reconcile them within one request's time. Returns those that are not up to date then."""
    with shared_deadline():
        with outbox.changing() as change:
            outbox.mark_dirty(*domains)
            record_names(Action.PUSHED, DomainSync._meta.label_lower, domains)
        for domain, generation in change.generations.items():
            reconcile(domain, generation)
    return [state for state in SyncState.by_domain(sorted(domains)).values() if state.pending]


def move_to_front(names: Sequence[str]) -> str:
    """Move rules of ours in front of all others, within one request's time. Returns why that was not possible for all."""
    with shared_deadline() as deadline:
        try:
            repair.move(ses_config(), names, deadline=deadline)
        except SesError as error:
            return error.sentence
    return ""


def push(request: HttpRequest, domains: Collection[str]) -> None:
    """The same, with the outcome as messages."""
    behind = update(domains)
    if done := len(domains) - len(behind):
        messages.success(request, f"SES is up to date with {plural(done, 'domain')}.")
    if behind:
        reasons = [f"{state.domain}: {state.reason}" for state in behind]
        lead = f"Not up to date yet: {plural(len(behind), 'domain')}."
        messages.warning(request, " ".join([lead, *shortened(reasons, 10, note="."), wording.change_pending()]))
