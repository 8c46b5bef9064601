from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Self

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import models
from django.db.models import Q
from django.utils import timezone

KEY_BYTES = 32
SHOWN = 8


class Scope(models.TextChoices):
    READ = "read"
    WRITE = "write"
    DELETE = "delete"


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def usable(self) -> Self:
        """Neither revoked nor expired, and its owner may sign in."""
        alive = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
        return self.filter(alive, revoked_at=None, owner__is_active=True)


class ApiKey(models.Model):
    """A bearer key. Only its hash is stored: the key has 256 random bits, so a slow hash would add nothing but waiting."""

    name = models.CharField(max_length=255)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    start = models.CharField(max_length=SHOWN, editable=False, help_text="The key's first characters, to tell it by.")
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

    def allows(self, scope: Scope) -> bool:
        return {Scope.READ: self.can_read, Scope.WRITE: self.can_write, Scope.DELETE: self.can_delete}[scope]


def hash_key(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def issue_key(
    *, owner: AbstractBaseUser, name: str, scopes: list[Scope] | None = None, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """Make a key, and return its row and the key itself, which nobody can show again. Default: all scopes, no expiry."""
    key = "inb_" + secrets.token_urlsafe(KEY_BYTES)
    granted = list(Scope) if scopes is None else scopes
    row = ApiKey.objects.create(
        owner_id=owner.pk,
        name=name,
        start=key[:SHOWN],
        key_hash=hash_key(key),
        can_read=Scope.READ in granted,
        can_write=Scope.WRITE in granted,
        can_delete=Scope.DELETE in granted,
        expires_at=expires_at,
    )
    return row, key
