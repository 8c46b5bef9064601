"""What the audit log says of exports."""

from __future__ import annotations

from archives.exports.scope import Scope
from audit.actions import Action
from audit.record import Entry, record


def exported(scope: Scope) -> None:
    """Somebody has asked for an archive. Call it in the transaction that begins it."""
    domain = scope.domain
    record(Entry.of(Action.EXPORTED, domain, domain.owner_id, after={"secrets": scope.secrets}))
