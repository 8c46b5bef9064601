"""Deletions as commands name them, show them and retry them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.core.management.base import CommandError

from backoffice.text import moment
from domains.deletion.report import as_values
from domains.grace import end
from domains.models import DomainDeletion, Step
from rest.names.canonical import normalise_domain
from ses_integration.api import SyncState
from ses_integration.cli.base import SECONDS_PER_DOMAIN

DELETION_HELP = "a domain's name, for its latest deletion, or the id of a deletion"


def deletion_of(text: str) -> DomainDeletion:
    """The deletion with this id, or the latest of the domain with this name. Raises CommandError."""
    try:
        name = normalise_domain(text)
    except ValueError:
        name = ""
    found = DomainDeletion.objects.filter(pk=text.strip()) | DomainDeletion.objects.filter(name=name)
    if (deletion := found.order_by("-started_at").first()) is None:
        raise CommandError(f"There is no deletion of {text!r}. list_deletions shows all.")
    return deletion


def state_of(deletion: DomainDeletion) -> str:
    """`pending: identity, stored mail`, `restorable until …`, `restored …`, `finished`, or `verified …`."""
    if deletion.restored_at is not None:
        return f"restored {moment(deletion.restored_at)}"
    if deletion.in_grace and deletion.restorable_until is not None:
        rules = "" if deletion.rules != Step.PENDING else ", pending: rules"
        return f"restorable until {moment(deletion.restorable_until)}{rules}"
    if deletion.finished_at is None:
        return f"pending: {deletion.labels(deletion.pending_steps)}"
    return "finished" if deletion.proved_at is None else f"verified {moment(deletion.proved_at)}"


def is_done(deletion: DomainDeletion) -> bool:
    """Whether nothing is to be done now."""
    return deletion.finished_at is not None or (deletion.in_grace and deletion.rules != Step.PENDING)


def reports(deletions: Sequence[DomainDeletion]) -> list[dict[str, Any]]:
    """The reports as the API has them, without DNS."""
    states = SyncState.by_domain({row.name for row in deletions if Step.PENDING in (row.rules, row.identity)})
    return [as_values(row, states.get(row.name)) for row in deletions]


def retry(deletion: DomainDeletion, tell: Callable[[str], Any]) -> None:
    """Retry the deletion as long as each try erases something, and tell what came of each."""
    erased = -1
    while deletion.finished_at is None and deletion.erased_emails + deletion.erased_versions != erased:
        erased = deletion.erased_emails + deletion.erased_versions
        outcome = end.retry(deletion, seconds=SECONDS_PER_DOMAIN)
        tell(f"deletion of {deletion.name} ({deletion.pk}): {outcome}")
        if deletion.problem:
            return
