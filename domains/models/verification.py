"""The DNS records that owners publish, and the history of a domain's verification."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q

from domains.models.access import SharedQuerySet
from domains.models.domain import Domain
from rest.ids import dns_record_id


class DnsRecordQuerySet(SharedQuerySet["DnsRecord"]):
    def live(self) -> Self:
        """Without records of domains that are being deleted."""
        return self.filter(domain__deleting_since=None)


class DnsRecord(models.Model):
    """A DNS record that the owner has to publish."""

    class Type(models.TextChoices):
        TXT = "TXT", "TXT"
        MX = "MX", "MX"
        CNAME = "CNAME", "CNAME"

    class State(models.TextChoices):
        """What DNS last answered. It stays while DNS cannot be asked."""

        VERIFIED = "verified"
        MISSING = "missing"
        # Something else is published there.
        WRONG = "wrong"

    id = models.CharField(primary_key=True, max_length=255, default=dns_record_id, editable=False)
    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="dns_records")
    record_type = models.CharField(max_length=5, choices=Type)
    name = models.CharField(max_length=320)
    value = models.TextField()
    is_required = models.BooleanField(default=True)
    state = models.CharField(max_length=8, choices=State, blank=True, help_text="What DNS last answered.")
    problem = models.TextField(blank=True, help_text="What the owner should do about it.")
    last_checked = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DnsRecordQuerySet.as_manager()

    class Meta:
        verbose_name = "DNS record"
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["", "verified", "missing", "wrong"]), name="dns_record_state"
            ),
            models.CheckConstraint(condition=Q(record_type__in=["TXT", "MX", "CNAME"]), name="dns_record_type"),
            models.UniqueConstraint(fields=["domain", "record_type", "name", "value"], name="dns_record_once"),
        ]
        indexes = [models.Index(fields=["-created_at"], name="dns_records_newest_first")]

    def __str__(self) -> str:
        return f"{self.record_type} {self.name}"

    @property
    def is_verified(self) -> bool:
        return self.state == self.State.VERIFIED


class StatusChange(models.Model):
    """A change of a domain's status, and its reason. Deleted with the domain."""

    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="status_changes")
    before = models.CharField(max_length=8, choices=Domain.Status)
    after = models.CharField(max_length=8, choices=Domain.Status)
    reason = models.TextField()
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["domain", "-at", "-id"], name="status_changes_newest_first")]

    def __str__(self) -> str:
        return f"{self.before} to {self.after}"
