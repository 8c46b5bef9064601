"""Making SES follow now, from an action in the admin."""

from __future__ import annotations

from collections.abc import Collection

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest

from ses_integration import facts, marks
from ses_integration.budget import one_budget


def push(domains: Collection[str]) -> dict[str, str]:
    """Make every name due and converge it, all within one budget; why those are behind that still are."""
    with one_budget(), transaction.atomic(durable=True):
        # The nudges that this registers converge the names, one after the other, when the block has committed.
        marks.mark(*domains)
    behind = facts.owed_marks().filter(domain__in=domains)
    return {mark.domain: mark.last_error or "Not tried yet: the time for this request was spent." for mark in behind}


def push_and_tell(request: HttpRequest, domains: Collection[str]) -> None:
    """The outcome as messages, with counts."""
    behind = push(domains)
    if in_line := len(domains) - len(behind):
        messages.success(request, f"SES is in line with {in_line} {'domain' if in_line == 1 else 'domains'}.")
    if behind:
        whys = " ".join(f"{name}: {why}" for name, why in sorted(behind.items())[:10])
        owed = f"{len(behind)} {'domain is' if len(behind) == 1 else 'domains are'}"
        messages.warning(request, f"{owed} not in line yet. {whys} {facts.RECORDED}")
