"""What the audit log says of exports."""

from __future__ import annotations

from archives.building.scope import Scope
from archives.models import Export
from audit.actions import Action
from audit.record import Entry, record


def exported(scope: Scope, export: Export | None = None) -> None:
    """Somebody has asked for an archive. Call it in the transaction that begins it. `export`: None if it is not stored."""
    domain = scope.domain
    after = {"secrets": scope.secrets, **({"exportId": export.pk} if export else {})}
    record(Entry.of(Action.EXPORTED, domain, domain.owner_id, after=after))


def downloaded(export: Export) -> None:
    """Somebody begins to download an archive."""
    values = {"exportId": export.pk, "secrets": export.includes_secrets}
    record(Entry.of(Action.DOWNLOADED, export.domain, export.domain.owner_id, after=values))
