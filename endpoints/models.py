"""The model of endpoints."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models import Func, Q
from django.utils import timezone

from endpoints.config_schema import shown_config
from endpoints.redaction import redacted
from endpoints.webhooks import sealing, signing
from rest.access.rows import OwnedQuerySet
from rest.ids import bare_id


class EndpointQuerySet(OwnedQuerySet["Endpoint"]):
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
    # May hold secrets. Only the owner sees them, at /endpoints (`owners_config`). All others use `public_config`.
    # The signing secret is not in it.
    config = models.JSONField()
    description = models.CharField(max_length=1000, blank=True)
    is_active = models.BooleanField(default=True)
    # Why inbound itself switched it off. Empty if it did not.
    inactive_reason = models.CharField(max_length=500, blank=True, editable=False)
    # The signing secret of a webhook (endpoints/webhooks/sealing.py), and the one before it while both sign.
    sealed_secret = models.TextField(blank=True, editable=False)
    sealed_previous_secret = models.TextField(blank=True, editable=False)
    previous_secret_until = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = EndpointQuerySet.as_manager()

    # Set by the services that create and update it: what the owner should know, in sentences.
    warning: str = ""

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(type__in=["webhook", "email", "email_group"]), name="endpoint_type"),
            models.CheckConstraint(
                condition=Q(type="webhook") & ~Q(sealed_secret="") | ~Q(type="webhook") & Q(sealed_secret=""),
                name="webhooks_have_a_signing_secret",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-created_at"], name="endpoints_of_owner"),
            models.Index(fields=["owner", "type", "-created_at"], name="endpoints_by_type"),
            models.Index(fields=["owner", "is_active", "-created_at"], name="endpoints_by_active"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def health(self) -> str:
        """A word for whether it takes its mail (docs/commands.md, "mail_status"). Reads the gate, if it has one."""
        if not self.is_active:
            return "switched off" if self.inactive_reason else "inactive"
        # A reverse accessor that the app above defines.
        gate = getattr(self, "gate", None)
        return "active" if gate is None else str(gate.health)

    @property
    def public_config(self) -> dict[str, Any]:
        """The config without secrets."""
        return redacted(self.config)

    @property
    def owners_config(self) -> dict[str, Any]:
        """The config as its owner reads it, with the signing secret of a webhook."""
        shown = shown_config(self.type, self.config)
        return shown if (secret := self.secret) is None else {**shown, "secret": secret}

    @property
    def secret(self) -> str | None:
        """The text of the signing secret. None if it has none, or if SECRET_KEY has changed and it cannot be read."""
        try:
            return sealing.unseal(self.sealed_secret) if self.sealed_secret else None
        except sealing.Unreadable:
            return None

    @property
    def signing_secret(self) -> str | None:
        """The secret as the libraries of Standard Webhooks take it (`whsec_…`), or None."""
        secret = self.secret
        return None if secret is None else signing.signing_secret(signing.key_of(secret))

    @property
    def previous_secret_valid_until(self) -> datetime | None:
        """When the previous secret stops signing. None if it does not sign."""
        until = self.previous_secret_until
        return until if until is not None and until > timezone.now() else None

    def signing_keys(self) -> list[bytes]:
        """The keys that sign a request now, the current one first. Raises `sealing.Unreadable`."""
        sealed = [self.sealed_secret] + [self.sealed_previous_secret] * bool(self.previous_secret_valid_until)
        return [signing.key_of(sealing.unseal(secret)) for secret in sealed]
