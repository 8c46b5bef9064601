"""The audit log."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from audit.origin import Door


class Change(models.Model):
    """One change of one object. It outlives the object, the user and the key, so it names them.

    `object_type` is a model's label such as `domains.domain`. `before` and `after` have the members that changed, without
    secrets; a new object has no `before`, and a deleted one no `after`.
    """

    at = models.DateTimeField(auto_now_add=True)
    door = models.CharField(max_length=10, choices=Door)
    who = models.CharField(max_length=255, blank=True)
    key = models.CharField(max_length=300, blank=True)
    remote = models.CharField(max_length=45, blank=True)
    request_id = models.CharField(max_length=100, blank=True)
    via = models.CharField(max_length=100, blank=True)
    # Whose object it is or was.
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="changes")
    action = models.CharField(max_length=40)
    object_type = models.CharField(max_length=60)
    object_id = models.CharField(max_length=255)
    object_name = models.CharField(max_length=512)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["-at", "-id"], name="changes_newest"),
            models.Index(fields=["owner", "-at", "-id"], name="changes_of_owner"),
            models.Index(fields=["object_type", "object_id", "-id"], name="changes_of_object"),
            models.Index(fields=["object_name", "-id"], name="changes_of_name"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_name}"
