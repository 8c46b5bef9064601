"""API keys and their scopes."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Self

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from audit.actions import Action
from audit.record import Entry, members, record, record_change
from backoffice.text import moment

KEY_BYTES = 32
SHOWN_CHARACTERS = 8


class Scope(models.TextChoices):
    READ = "read"
    WRITE = "write"
    DELETE = "delete"


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def usable(self) -> Self:
        """Keys that are not revoked or expired, and whose owner is active."""
        not_expired = Q(expires_at=None) | Q(expires_at__gt=Now())
        return self.filter(not_expired, revoked_at=None, owner__is_active=True)


class ApiKey(models.Model):
    """A bearer key. Only its SHA-256 is stored: with 256 random bits in the key, a slow hash would not add security."""

    name = models.CharField(max_length=255)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    start = models.CharField(
        max_length=SHOWN_CHARACTERS, editable=False, help_text="The key's first characters, to recognise it."
    )
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    can_read = models.BooleanField(default=True)
    can_write = models.BooleanField(default=True)
    can_delete = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.name} ({self.start}…)"

    @property
    def scopes(self) -> list[str]:
        return [scope.value for scope in Scope if self.allows(scope)]

    @property
    def state(self) -> str:
        """As people read it. Reads the owner."""
        if self.revoked_at is not None:
            return f"revoked {moment(self.revoked_at)}"
        if self.expires_at is not None and self.expires_at <= timezone.now():
            return "expired"
        return "usable" if self.owner.is_active else "owner is inactive"

    def allows(self, scope: Scope) -> bool:
        return {Scope.READ: self.can_read, Scope.WRITE: self.can_write, Scope.DELETE: self.can_delete}[scope]


def hash_key(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def issue_key(
    *, owner: AbstractBaseUser, name: str, scopes: list[Scope] | None = None, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """Create a key. Return its row and the key itself, which is not stored. Default: all scopes, no expiry."""
    key = "inb_" + secrets.token_urlsafe(KEY_BYTES)
    granted = list(Scope) if scopes is None else scopes
    with transaction.atomic():
        row = ApiKey.objects.create(
            owner_id=owner.pk,
            name=name,
            start=key[:SHOWN_CHARACTERS],
            key_hash=hash_key(key),
            can_read=Scope.READ in granted,
            can_write=Scope.WRITE in granted,
            can_delete=Scope.DELETE in granted,
            expires_at=expires_at,
        )
        after = {**members(row, "name", "expires_at"), "scopes": [scope.value for scope in Scope if row.allows(scope)]}
        record(Entry.of(Action.ADDED, row, row.owner_id, after=after))
    return row, key


def rename_key(key: ApiKey, name: str) -> None:
    with transaction.atomic():
        # `key` may have the new name from a form.
        before = members(ApiKey.objects.select_for_update().get(pk=key.pk), "name")
        key.name = name
        key.save(update_fields=["name"])
        record_change(key, key.owner_id, before, members(key, "name"))


def revoke_key(key: ApiKey) -> bool:
    """Revoke the key, unless it is revoked already. One conditional UPDATE, so that a second click keeps the first time."""
    with transaction.atomic():
        if not ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
            return False
        record(Entry.of(Action.REVOKED, key, key.owner_id))
    return True
