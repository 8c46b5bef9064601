"""Signal receivers: every change of a user or a group is recorded, by whichever page or command it is made."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.contrib.auth.models import Group, User
from django.db.models.signals import m2m_changed, post_save, pre_delete, pre_save
from django.dispatch import receiver

from audit.actions import Action
from audit.origin import MIGRATE, current
from audit.record import Entry, member, record, record_change

# Django writes these at each login.
UNRECORDED = {"id", "last_login"}


@receiver(pre_save, sender=User, dispatch_uid="audit.read_user")
@receiver(pre_save, sender=Group, dispatch_uid="audit.read_group")
def read_before(instance: Any, update_fields: Collection[str] | None, raw: bool = False, **_: Any) -> None:
    """Keep what the row had. A login costs no statement."""
    instance._recorded_before = None
    if instance.pk and not raw and (update_fields is None or not UNRECORDED.issuperset(update_fields)):
        instance._recorded_before = type(instance)._default_manager.filter(pk=instance.pk).first()


@receiver(post_save, sender=User, dispatch_uid="audit.record_user")
@receiver(post_save, sender=Group, dispatch_uid="audit.record_group")
def record_saved(instance: Any, created: bool, raw: bool = False, **_: Any) -> None:
    before = instance.__dict__.pop("_recorded_before", None)
    if _is_migrating():
        return
    if created:
        record(Entry.of(Action.ADDED, instance, _owner(instance), after=_values(instance)))
    elif before is not None and not raw:
        old, new = _values(before), _values(instance)
        if getattr(before, "password", "") != getattr(instance, "password", ""):
            new["password"] = "changed"  # noqa: S105 - that it was changed, not what it is
        record_change(instance, _owner(instance), old, new)


@receiver(pre_delete, sender=User, dispatch_uid="audit.record_deleted_user")
@receiver(pre_delete, sender=Group, dispatch_uid="audit.record_deleted_group")
def record_deleted(instance: Any, **_: Any) -> None:
    record(Entry.of(Action.DELETED, instance, _owner(instance), before=_values(instance)))


@receiver(m2m_changed, sender=User.groups.through, dispatch_uid="audit.record_groups")
@receiver(m2m_changed, sender=User.user_permissions.through, dispatch_uid="audit.record_permissions_of_user")
@receiver(m2m_changed, sender=Group.permissions.through, dispatch_uid="audit.record_permissions_of_group")
def record_relations(instance: Any, action: str, model: Any, pk_set: Collection[int] | None, **_: Any) -> None:
    """What is put into a user or a group, or taken out of it."""
    is_nothing = pk_set is not None and not pk_set
    if action not in ("post_add", "post_remove", "pre_clear") or is_nothing or _is_migrating():
        return
    named = model._default_manager.filter(pk__in=pk_set) if pk_set is not None else []
    change = "added" if action == "post_add" else "removed"
    after = {str(model._meta.verbose_name_plural): {change: sorted(map(str, named)) or "all"}}
    record(Entry.of(Action.CHANGED, instance, _owner(instance), after=after))


def _is_migrating() -> bool:
    """What `migrate` sets up is no change by anybody, and the log may not exist yet."""
    origin = current()
    return origin is not None and origin.via == MIGRATE


def _values(row: Any) -> dict[str, Any]:
    columns = [field.attname for field in row._meta.concrete_fields if field.name not in {*UNRECORDED, "password"}]
    return {member(column): getattr(row, column) for column in columns}


def _owner(row: Any) -> int | None:
    return row.pk if isinstance(row, User) else None
