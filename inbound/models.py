from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

KEY_BYTES = 32
SHOWN = 8
# What a request may take beyond its wait for SES, with much to spare.
REQUEST_MARGIN = timedelta(minutes=5)
PRUNED_AT_ONCE = 1000


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


class IdempotencyQuerySet(models.QuerySet["IdempotencyRecord"]):
    def abandoned(self) -> Self:
        """Begun so long ago, by the database's clock, that whoever ran it was killed."""
        longest = timedelta(seconds=settings.SES_REQUEST_BUDGET) + REQUEST_MARGIN
        return self.filter(status=None, started_at__lt=Now() - longest)

    def expired(self) -> Self:
        """Past its time, and not running: its key is as good as new."""
        kept = timedelta(seconds=settings.IDEMPOTENCY_RETENTION_SECONDS)
        return (self.exclude(status=None) | self.abandoned()).filter(started_at__lt=Now() - kept)


class IdempotencyRecord(models.Model):
    """A write that came with an `Idempotency-Key`, and its answer once there is one (ADR 7)."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="A keyed hash of the request.")
    run = models.UUIDField(help_text="Who runs it: a run that was given up must not answer for the one after it.")
    started_at = models.DateTimeField(db_index=True)
    status = models.PositiveSmallIntegerField(null=True, help_text="The answer's status; none while it is running.")
    headers = models.JSONField(default=dict)
    body = models.TextField(help_text="Sealed with the request: nobody without it can read the answer.")

    objects = IdempotencyQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "key"], name="one_record_per_owner_and_key")]


def prune_answers(stop: Callable[[], bool] = lambda: False, *, seconds: float) -> int:
    """Delete the records that have expired, some at a time, for about `seconds`; returns how many."""
    until = time.monotonic() + seconds
    pruned = 0
    while not stop():
        expired = IdempotencyRecord.objects.expired()
        oldest = expired.order_by("started_at").values("pk")[:PRUNED_AT_ONCE]
        # Expired, asked again of the row itself: a request may have taken it over since it was listed.
        deleted, _ = expired.filter(pk__in=oldest).delete()
        pruned += deleted
        if deleted < PRUNED_AT_ONCE or time.monotonic() >= until:
            break
    return pruned
