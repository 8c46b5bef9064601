"""The model of endpoints."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models import Func, Q

from endpoints.redaction import redacted
from rest.ids import bare_id


class EndpointQuerySet(models.QuerySet["Endpoint"]):
    def owned_by(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        return self.filter(owner_id=user.pk)

    def may_name(self, domain: str) -> Self:
        """All endpoints whose config names an address of the domain (`domains.dependents`), and some that do not.

        PostgreSQL finds them with the index endpoints_by_domain; SQLite returns all endpoints.
        """
        if connection.vendor != "postgresql":
            return self
        named = Func("config", function="endpoints_named_domains", output_field=ArrayField(models.TextField()))
        return self.alias(named=named).filter(named__overlap=["*", domain, f"{domain}."])


class Endpoint(models.Model):
    """Where mail is delivered to: a webhook, an address or a group of addresses."""

    class Type(models.TextChoices):
        WEBHOOK = "webhook"
        EMAIL = "email"
        EMAIL_GROUP = "email_group"

    id = models.CharField(primary_key=True, max_length=255, default=bare_id, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="endpoints")
    name = models.CharField(max_length=255)
    type = models.CharField(max_length=11, choices=Type)
    webhook_format = models.CharField(max_length=8, default="inbound", editable=False)
    # May hold secrets. Only the owner sees them, at /endpoints. All others use `public_config`.
    config = models.JSONField()
    description = models.CharField(max_length=1000, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = EndpointQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(type__in=["webhook", "email", "email_group"]), name="endpoint_type")
        ]
        indexes = [
            models.Index(fields=["owner", "-created_at"], name="endpoints_of_owner"),
            models.Index(fields=["owner", "type", "-created_at"], name="endpoints_by_type"),
            models.Index(fields=["owner", "is_active", "-created_at"], name="endpoints_by_active"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def public_config(self) -> dict[str, Any]:
        """The config without secrets."""
        return redacted(self.config)
