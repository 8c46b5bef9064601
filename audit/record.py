"""Add changes to the log, in the transaction that makes them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from audit.models import Change
from audit.origin import Door, Origin, current


@dataclass(frozen=True, slots=True)
class Entry:
    """What to record of one object: see `Change`."""

    action: str
    object_type: str
    object_id: str
    object_name: str
    owner_id: int | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


def record(*entries: Entry) -> None:
    """Record these changes, in one statement. Call it in the transaction that makes them."""
    record_all(entries)


def record_all(entries: Iterable[Entry]) -> None:
    origin = current() or Origin(Door.COMMAND)
    Change.objects.bulk_create(
        Change(
            door=origin.door,
            who=origin.who,
            key=origin.key,
            remote=origin.remote,
            request_id=origin.request_id,
            via=origin.via,
            owner_id=entry.owner_id,
            action=entry.action,
            object_type=entry.object_type,
            object_id=entry.object_id,
            object_name=entry.object_name,
            before=entry.before,
            after=entry.after,
        )
        for entry in entries
    )
