"""API keys, and idempotency records: writes with an `Idempotency-Key` and their responses."""

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
SHOWN_CHARACTERS = 8
# A generous limit for how long a request may run beyond its wait for SES.
REQUEST_MARGIN = timedelta(minutes=5)
PRUNE_BATCH = 1000


class Scope(models.TextChoices):
    READ = "read"
    WRITE = "write"
    DELETE = "delete"


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def usable(self) -> Self:
        """Keys that are not revoked or expired, and whose owner is active."""
        not_expired = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
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

    def allows(self, scope: Scope) -> bool:
        return {Scope.READ: self.can_read, Scope.WRITE: self.can_write, Scope.DELETE: self.can_delete}[scope]


def hash_key(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def issue_key(
    *, owner: AbstractBaseUser, name: str, scopes: list[Scope] | None = None, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """Create a key; returns its row and the key itself, which is not stored. Default: all scopes, no expiry."""
    key = "inb_" + secrets.token_urlsafe(KEY_BYTES)
    granted = list(Scope) if scopes is None else scopes
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
    return row, key


class IdempotencyQuerySet(models.QuerySet["IdempotencyRecord"]):
    def abandoned(self) -> Self:
        """Started so long ago, by the database's clock, that the process must have been killed."""
        longest = timedelta(seconds=settings.SES_REQUEST_BUDGET) + REQUEST_MARGIN
        return self.filter(status=None, started_at__lt=Now() - longest)

    def expired(self) -> Self:
        """Older than the retention time and not running: the key may be used again."""
        kept = timedelta(seconds=settings.IDEMPOTENCY_RETENTION_SECONDS)
        return (self.exclude(status=None) | self.abandoned()).filter(started_at__lt=Now() - kept)


class IdempotencyRecord(models.Model):
    """A write with an `Idempotency-Key`, and its response once it has one (docs/adr/0007-idempotency-keys.md)."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="A keyed hash of the request.")
    run = models.UUIDField(
        help_text="The run that may store the response: an abandoned run must not answer for a later one."
    )
    started_at = models.DateTimeField(db_index=True)
    status = models.PositiveSmallIntegerField(
        null=True, help_text="The status of the response; none while the request is running."
    )
    headers = models.JSONField(default=dict)
    body = models.TextField(help_text="Encrypted with a key derived from the request: only that request can read it.")

    objects = IdempotencyQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "key"], name="one_record_per_owner_and_key")]


def prune_idempotency_records(stop: Callable[[], bool] = lambda: False, *, seconds: float) -> int:
    """Delete expired records in batches, for about `seconds`. Returns how many."""
    until = time.monotonic() + seconds
    pruned = 0
    while not stop():
        expired = IdempotencyRecord.objects.expired()
        oldest = expired.order_by("started_at").values("pk")[:PRUNE_BATCH]
        # The filter is applied again: a request may have reused the key since the rows were selected.
        deleted, _ = expired.filter(pk__in=oldest).delete()
        pruned += deleted
        if deleted < PRUNE_BATCH or time.monotonic() >= until:
            break
    return pruned
