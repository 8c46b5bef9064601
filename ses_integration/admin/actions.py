"""Making SES follow now, from an action in the admin."""

from __future__ import annotations

from collections.abc import Collection

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest

from ses_integration.coordination.deadline import shared_deadline
from ses_integration.reconcile import outbox
from ses_integration.status import confirmation, sync_state


def push(domains: Collection[str]) -> dict[str, str]:
    """Make every name due and converge it, all within one budget; why those are behind that still are."""
    with shared_deadline(), transaction.atomic(durable=True):
        # The nudges that this registers converge the names, one after the other, when the block has committed.
        outbox.mark_dirty(*domains)
    behind = sync_state.pending_domains().filter(domain__in=domains)
    return {sync.domain: sync.last_error or "Not tried yet: the time for this request was spent." for sync in behind}


def push_and_tell(request: HttpRequest, domains: Collection[str]) -> None:
    """The outcome as messages, with counts."""
    behind = push(domains)
    if in_line := len(domains) - len(behind):
        messages.success(request, f"SES is in line with {in_line} {'domain' if in_line == 1 else 'domains'}.")
    if behind:
        whys = " ".join(f"{name}: {why}" for name, why in sorted(behind.items())[:10])
        pending = f"{len(behind)} {'domain is' if len(behind) == 1 else 'domains are'}"
        messages.warning(request, f"{pending} not in line yet. {whys} {confirmation.CHANGE_PENDING}")
