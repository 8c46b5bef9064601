"""Notices: what a webhook is told besides mail."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from endpoints.models import Endpoint
from rest.ids import bare_id


class EventNoticeQuerySet(models.QuerySet["EventNotice"]):
    def waiting(self) -> Self:
        return self.filter(retry_at__isnull=False)

    def given_up(self) -> Self:
        """Those that nobody sends any more, although no receiver has taken them."""
        return self.filter(retry_at=None, delivered_at=None)


class EventNotice(models.Model):
    """One event on its way to one webhook. `retry_at` is empty once it has been taken or given up."""

    id = models.CharField(primary_key=True, max_length=255, default=bare_id, editable=False)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="notices")
    event = models.CharField(max_length=40)
    # As it is sent on every attempt.
    body = models.TextField()
    attempts = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField(null=True, default=Now)
    delivered_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=Now)

    objects = EventNoticeQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["retry_at"], condition=Q(retry_at__isnull=False), name="notices_due"),
            # What has become too old, and the list in the admin.
            models.Index(fields=["created_at", "id"], name="notices_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.pk}"

    @property
    def webhook_id(self) -> str:
        """What a receiver knows it by: the same on every attempt."""
        return f"msg_{self.pk}"
