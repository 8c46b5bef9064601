"""Mark received emails as read and as archived."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from audit.actions import Action
from audit.record import Entry, member, members, record_all
from mail.models import ReceivedEmail
from rest.ids import is_id


def mark_read(email: ReceivedEmail) -> None:
    """Mark an email that is being shown. One statement, and none if it has been read."""
    if not email.is_read:
        now = timezone.now()
        changed = ReceivedEmail.objects.filter(pk=email.pk, is_read=False).update(is_read=True, read_at=now)
        if not changed:
            # Another request was faster, or has deleted it.
            email.refresh_from_db(fields=["is_read", "read_at"])
        email.is_read, email.read_at = True, email.read_at or now


def mark(
    user: User,
    pks: Collection[str],
    *,
    is_read: bool | None = None,
    is_archived: bool | None = None,
    check: Callable[[ReceivedEmail], None] = lambda _: None,
) -> list[ReceivedEmail]:
    """Change the marks of some emails; None leaves one as it is. Returns those that the user sees, in their order.

    `check` is called for each locked row with the user's role, and may raise to end the transaction.
    """
    rows = ReceivedEmail.objects.live().visible_to(user).with_role(user).filter(pk__in=[pk for pk in pks if is_id(pk)])
    columns = _columns(timezone.now(), is_read=is_read, is_archived=is_archived)
    with transaction.atomic(durable=True):
        # In one order, because another request may change some of the same at the same time.
        changed = {row.pk: row for row in rows.select_for_update(of=("self",)).order_by("pk")}
        for row in changed.values():
            check(row)
        ReceivedEmail.objects.filter(pk__in=changed).update(**columns)
        marks = [name for name in columns if name.startswith("is_")]
        after = {member(name): columns[name] for name in marks}
        record_all(
            Entry.of(Action.CHANGED, row, row.owner_id, before=before, after=after)
            for row in changed.values()
            if (before := members(row, *marks)) != after
        )
    for row in changed.values():
        vars(row).update(columns)
    return [changed[pk] for pk in dict.fromkeys(pks) if pk in changed]


def _columns(now: datetime, **marks: bool | None) -> Mapping[str, Any]:
    columns: dict[str, Any] = {name: value for name, value in marks.items() if value is not None}
    moments = {name.removeprefix("is_") + "_at": now if value else None for name, value in columns.items()}
    return columns | moments
