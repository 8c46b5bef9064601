"""Add changes to the log, in the transaction that makes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from django.db.models import Model

from audit.actions import Action
from audit.models import Change
from audit.origin import Door, Origin, current

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """What to record of one object: see `Change`."""

    action: Action
    object_type: str
    object_id: str
    object_name: str
    owner_id: int | None = None
    before: Values | None = None
    after: Values | None = None

    @classmethod
    def of(
        cls,
        action: Action,
        row: Model,
        owner_id: int | None,
        *,
        name: str = "",
        before: Values | None = None,
        after: Values | None = None,
    ) -> Self:
        """An entry about a row. `name`: what people call it, if not `str(row)`."""
        return cls(action, row._meta.label_lower, str(row.pk), name or str(row), owner_id, before, after)


def members(row: Model, *columns: str) -> dict[str, Any]:
    """Values of a row, named as in the API: `is_active` is `isActive`."""
    return {member(column): getattr(row, column) for column in columns}


def member(column: str) -> str:
    first, *others = column.split("_")
    return first + "".join(map(str.capitalize, others))


def record(*entries: Entry) -> None:
    """Record these changes, in one statement. Call it in the transaction that makes them."""
    record_all(entries)


def record_change(row: Model, owner_id: int | None, before: Values, after: Values, *, name: str = "") -> None:
    """Record which of the values differ. Nothing if none does."""
    differing = [key for key in after if before.get(key) != after[key]]
    if differing:
        old, new = ({key: values.get(key) for key in differing} for values in (before, after))
        record(Entry.of(Action.CHANGED, row, owner_id, name=name, before=old, after=new))


def record_names(action: Action, object_type: str, names: Iterable[str], **after: Any) -> None:
    """Record the same of several objects that are known by name, such as what SES has of some domains."""
    record_all(Entry(action, object_type, name, name, after=after or None) for name in names)


def record_all(entries: Iterable[Entry]) -> None:
    """The same for any number."""
    origin = current() or Origin(Door.COMMAND)
    Change.objects.bulk_create(
        Change(
            door=origin.door,
            who=origin.who,
            key=origin.key,
            remote=origin.remote,
            request_id=origin.request_id,
            via=origin.roles.get(entry.owner_id, origin.via),
            owner_id=entry.owner_id,
            action=entry.action,
            object_type=entry.object_type,
            object_id=entry.object_id,
            object_name=entry.object_name[:512],
            before=entry.before,
            after=entry.after,
        )
        for entry in entries
    )
