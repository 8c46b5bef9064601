"""The audit log."""

from __future__ import annotations

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from audit.origin import Door
from rest.access.rows import OwnedQuerySet


class ChangeQuerySet(OwnedQuerySet["Change"]):
    """Not shared: the log of an object is its owner's."""


class Change(models.Model):
    """One change of one object. It outlives the object, the user and the key, so it names them.

    Rows are only added: the database refuses everything else (`audit/append_only.py`). `object_type` is a model's label such as
    `domains.domain`. `before` and `after` have the members that changed, named as in the API, without secrets; a new object has
    no `before`, and a deleted one no `after`.
    """

    at = models.DateTimeField(auto_now_add=True)
    door = models.CharField(max_length=10, choices=Door)
    who = models.CharField(max_length=255, blank=True)
    key = models.CharField(max_length=300, blank=True)
    remote = models.CharField(max_length=45, blank=True)
    request_id = models.CharField(max_length=100, blank=True)
    via = models.CharField(max_length=100, blank=True)
    # Whose object it is or was. No constraint: deleting a user must not change the log, and ids are not used again.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="changes",
    )
    action = models.CharField(max_length=40)
    object_type = models.CharField(max_length=60)
    object_id = models.CharField(max_length=255)
    object_name = models.CharField(max_length=512)
    before = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    after = models.JSONField(null=True, encoder=DjangoJSONEncoder)

    objects = ChangeQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["at"], name="changes_by_age"),
            # With what the API filters by, so that counting an owner's entries does not read them.
            models.Index(fields=["owner", "-id"], include=["action", "object_type", "door"], name="changes_of_owner"),
            models.Index(fields=["object_type", "object_id", "-id"], name="changes_of_object"),
            models.Index(fields=["object_name", "-id"], name="changes_of_name"),
            # Of what is rare, such as revoked keys. Each costs every change a few microseconds.
            models.Index(fields=["action", "-id"], name="changes_by_action"),
            models.Index(fields=["door", "-id"], name="changes_by_door"),
            models.Index(fields=["who", "-id"], condition=~Q(who=""), name="changes_by_author"),
            models.Index(fields=["request_id"], condition=~Q(request_id=""), name="changes_of_request"),
        ]

    def __str__(self) -> str:
        return f"{self.object_name} {self.action}"
