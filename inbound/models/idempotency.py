"""Idempotency records: writes with an `Idempotency-Key` and their responses."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

# How long a request may run beyond its wait for SES, generously.
REQUEST_MARGIN = timedelta(minutes=5)
PRUNE_BATCH = 1000


class IdempotencyQuerySet(models.QuerySet["IdempotencyRecord"]):
    def abandoned(self) -> Self:
        """Records of requests that started so long ago that their process must have been killed."""
        longest = timedelta(seconds=settings.SES_REQUEST_BUDGET) + REQUEST_MARGIN
        return self.filter(status=None, started_at__lt=Now() - longest)

    def expired(self) -> Self:
        """Records older than the retention time whose request is not running. Their keys may be used again."""
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
        # Filter again: a request may have reused the key since the rows were selected.
        deleted, _ = expired.filter(pk__in=oldest).delete()
        pruned += deleted
        if deleted < PRUNE_BATCH or time.monotonic() >= until:
            break
    return pruned
