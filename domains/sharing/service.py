"""Share a domain, change a role, take access back, and leave (docs/people.md, "Share a domain")."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from audit.actions import Action
from audit.record import Entry, members, record, record_all, record_change
from domains.models import ALREADY_SHARED, Domain, DomainAccess, lock_live_domain

NO_ACCOUNT = "There is no active account with this name. An administrator of this installation can add one."


class CannotShare(Exception):
    """The domain cannot be shared like this. The message is a sentence."""


class AlreadyShared(CannotShare):
    def __init__(self) -> None:
        super().__init__(ALREADY_SHARED)


def account_named(name: str) -> AbstractBaseUser:
    """The account to share with. Raises CannotShare."""
    users = get_user_model()
    found = users._default_manager.filter(**{users.USERNAME_FIELD: users.normalize_username(name.strip())}).first()
    if found is None or not found.is_active:
        raise CannotShare(NO_ACCOUNT)
    return found


def share(*, domain: Domain, user: AbstractBaseUser, role: str, only_new: bool = False) -> DomainAccess:
    """Give an account access, or another role. Raises CannotShare, and Domain.DoesNotExist if the domain is being deleted.

    `only_new`: raises AlreadyShared if the account has access.
    """
    if not user.is_active:
        raise CannotShare(NO_ACCOUNT)
    with transaction.atomic(durable=True):
        # The domain first, as whoever changes something that the role allows (`domains/models/domain.py`).
        row = lock_live_domain(domain.pk)
        if user.pk == row.owner_id:
            raise CannotShare("The domain belongs to this account.")
        access, is_new = DomainAccess.objects.select_for_update().get_or_create(
            domain=row, user_id=user.pk, defaults={"role": role}
        )
        if is_new:
            record(_entry(Action.ADDED, access))
        elif only_new:
            raise AlreadyShared
        else:
            _change(access, role)
    return access


def change_role(access: DomainAccess, role: str) -> DomainAccess:
    """Raises DomainAccess.DoesNotExist if it has been taken back, and Domain.DoesNotExist."""
    with transaction.atomic(durable=True):
        lock_live_domain(access.domain_id)
        row = DomainAccess.objects.select_related("domain", "user").select_for_update(of=("self",)).get(pk=access.pk)
        _change(row, role)
    return row


def unshare(accesses: Collection[DomainAccess]) -> Sequence[DomainAccess]:
    """Take access back. What is gone already stays so. Returns what was still there."""
    return _remove(accesses, Action.DELETED)


def leave(access: DomainAccess) -> None:
    """Give up one's own access. What is gone already stays so."""
    _remove([access], Action.GIVEN_UP)


def _remove(accesses: Collection[DomainAccess], action: Action) -> Sequence[DomainAccess]:
    with transaction.atomic():
        list(Domain.objects.select_for_update().filter(accesses__in=accesses).order_by("pk").values_list("pk"))
        chosen = DomainAccess.objects.select_related("domain", "user").filter(pk__in=[row.pk for row in accesses])
        rows = list(chosen.select_for_update(of=("self",)).order_by("pk"))
        DomainAccess.objects.filter(pk__in=[row.pk for row in rows]).delete()
        record_all(_entry(action, row) for row in rows)
        return rows


def _change(access: DomainAccess, role: str) -> None:
    before = members(access, "role")
    access.role = role
    access.save(update_fields=["role"])
    domain = access.domain
    record_change(access, domain.owner_id, before, members(access, "role"), name=domain.name)


def _entry(action: Action, access: DomainAccess) -> Entry:
    said = {"user": access.user.get_username(), **members(access, "role")}
    said = {"after": said} if action == Action.ADDED else {"before": said}
    return Entry.of(action, access, access.domain.owner_id, name=access.domain.name, **said)
