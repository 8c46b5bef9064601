"""Domains, the DNS records that their owners publish, and the reports of their deletions (tombstones)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models, transaction
from django.db.models import Q

from rest.ids import deletion_id, dns_record_id, domain_id
from ses_integration.api import rule_name_for


class DomainQuerySet(models.QuerySet["Domain"]):
    def live(self) -> Self:
        """Without domains that are being deleted, which the API no longer shows."""
        return self.filter(deleting_since=None)

    def owned_by(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        return self.filter(owner_id=user.pk)

    def with_catch_all_rule_name(self) -> Self:
        """Add `catch_all_rule_name`: the recorded rule that receives mail for the whole domain, or None."""
        return self.annotate(catch_all_rule_name=rule_name_for("name"))


class Domain(models.Model):
    class Status(models.TextChoices):
        PENDING = "pending"
        VERIFIED = "verified"
        FAILED = "failed"

    class Confidence(models.TextChoices):
        HIGH = "high"
        MEDIUM = "medium"
        LOW = "low"

    id = models.CharField(primary_key=True, max_length=255, default=domain_id, editable=False)
    name = models.CharField(max_length=253, unique=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="domains")
    status = models.CharField(max_length=8, choices=Status, default=Status.PENDING)
    can_receive_emails = models.BooleanField(default=True)
    has_mx_records = models.BooleanField(default=False)
    dns_provider = models.CharField(max_length=64, blank=True)
    provider_confidence = models.CharField(max_length=6, choices=Confidence, blank=True)
    last_dns_check = models.DateTimeField(null=True, blank=True)
    is_catch_all_enabled = models.BooleanField(default=False)
    # Named by a string, because endpoints is an app above this one.
    catch_all_endpoint = models.ForeignKey(
        "endpoints.Endpoint", on_delete=models.SET_NULL, null=True, blank=True, related_name="catch_all_domains"
    )
    receive_dmarc_emails = models.BooleanField(default=False)
    deleting_since = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = DomainQuerySet.as_manager()

    # Set by `with_catch_all_rule_name()`.
    catch_all_rule_name: str | None

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(status__in=["pending", "verified", "failed"]), name="domain_status"),
            models.CheckConstraint(
                condition=Q(provider_confidence__in=["", "high", "medium", "low"]), name="domain_provider_confidence"
            ),
        ]
        indexes = [models.Index(fields=["owner", "-created_at"], name="domains_of_owner")]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Commit the row together with its outbox mark, in autocommit mode as well.

        Without this, the receiver would mark the domain after Django's own transaction has ended.
        """
        with transaction.atomic(savepoint=False):
            super().save(*args, **kwargs)

    @property
    def key_prefix(self) -> str:
        """Where SES stores this domain's mail. A domain that is added again gets another prefix, so old mail can be erased."""
        return key_prefix(self.name, self.pk)

    @property
    def receives_everything(self) -> bool:
        return self.is_catch_all_enabled and self.catch_all_endpoint_id is not None


def key_prefix(name: str, pk: str) -> str:
    return f"emails/{name}/{pk}/"


class DnsRecordQuerySet(models.QuerySet["DnsRecord"]):
    def live(self) -> Self:
        """Without records of domains that are being deleted."""
        return self.filter(domain__deleting_since=None)

    def owned_by(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        return self.filter(domain__owner_id=user.pk)


class DnsRecord(models.Model):
    """A DNS record that the owner has to publish."""

    class Type(models.TextChoices):
        TXT = "TXT"
        MX = "MX"
        CNAME = "CNAME"

    id = models.CharField(primary_key=True, max_length=255, default=dns_record_id, editable=False)
    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="dns_records")
    record_type = models.CharField(max_length=5, choices=Type)
    name = models.CharField(max_length=320)
    value = models.CharField(max_length=500)
    is_required = models.BooleanField(default=True)
    is_verified = models.BooleanField(default=False)
    last_checked = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DnsRecordQuerySet.as_manager()

    class Meta:
        verbose_name = "DNS record"
        constraints = [
            models.CheckConstraint(condition=Q(record_type__in=["TXT", "MX", "CNAME"]), name="dns_record_type"),
            models.UniqueConstraint(fields=["domain", "record_type", "name", "value"], name="dns_record_once"),
        ]

    def __str__(self) -> str:
        return f"{self.record_type} {self.name}"


class DomainDeletionQuerySet(models.QuerySet["DomainDeletion"]):
    def pending(self) -> Self:
        return self.filter(finished_at=None)

    def owned_by(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        return self.filter(owner_id=user.pk)


class DomainDeletion(models.Model):
    """The report of one domain's deletion: the state of each step, and the verification of absence. It outlives the domain.

    It never causes a call to SES (docs/architecture/protocol.md, "Counterexamples", 18).
    """

    class Step(models.TextChoices):
        # The published value. People read "pending".
        PENDING = "owed", "Pending"
        DONE = "done"
        KEPT = "kept"
        SUPERSEDED = "superseded", "Superseded: the domain was added again"

    # Names of fields of this model, in the documented order.
    STEPS = ("rules", "identity", "rows", "stored_mail")

    id = models.CharField(primary_key=True, max_length=255, default=deletion_id, editable=False)
    domain_id = models.CharField(max_length=255, unique=True, editable=False)
    name = models.CharField(max_length=253)
    # SET_NULL, because the report outlives the account, too.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="domain_deletions"
    )
    requested_by = models.CharField(max_length=255, blank=True, help_text="User who requested it, if known.")
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    rules = models.CharField(max_length=10, choices=Step, default=Step.PENDING)
    identity = models.CharField(max_length=10, choices=Step, default=Step.PENDING)
    rows = models.CharField(max_length=10, choices=Step, default=Step.PENDING)
    stored_mail = models.CharField(max_length=10, choices=Step, default=Step.PENDING)
    # When each step was reached.
    rules_at = models.DateTimeField(null=True, blank=True)
    identity_at = models.DateTimeField(null=True, blank=True)
    rows_at = models.DateTimeField(null=True, blank=True)
    stored_mail_at = models.DateTimeField(null=True, blank=True)
    ses_attempts = models.PositiveIntegerField(default=0, help_text="Attempts to clean up SES that were observed.")

    # The state at the start, which rows and ledger do not keep.
    plan_token = models.CharField(max_length=255, blank=True, help_text="Token of the confirmed plan, if any.")
    records_to_publish = models.JSONField(
        default=list, blank=True, help_text="DNS records that the owner had to publish."
    )
    rule_names = models.JSONField(default=list, blank=True, help_text="Receipt rules in the ledger for the name.")
    blocked_emails = models.PositiveIntegerField(default=0)
    email_addresses = models.PositiveIntegerField(default=0)
    dns_records = models.PositiveIntegerField(default=0)

    erased_versions = models.PositiveBigIntegerField(default=0, help_text="Delete markers included.")
    erased_delete_markers = models.PositiveBigIntegerField(default=0)
    erased_bytes = models.PositiveBigIntegerField(default=0)
    late_versions = models.PositiveBigIntegerField(
        default=0, help_text="Erased versions that SES stored after the prefix had been empty once."
    )
    kept_versions = models.PositiveBigIntegerField(
        default=0, help_text="Versions that S3 refused to delete at the last attempt."
    )
    # Progress of the current pass through the prefix (`ses_integration.api.EraseProgress`); empty between passes.
    erase_progress = models.JSONField(default=dict, blank=True)

    # The last verification of absence: when it found nothing, its result, and when the next one is due.
    proved_at = models.DateTimeField(null=True, blank=True)
    proof = models.JSONField(default=dict, blank=True)
    look_again_at = models.DateTimeField(null=True, blank=True)

    # Where SES received and stored its mail when it was deleted. Empty means: what is configured now.
    region = models.CharField(max_length=32, blank=True)
    rule_set = models.CharField(max_length=64, blank=True)
    bucket = models.CharField(max_length=63, blank=True)
    problem = models.CharField(max_length=500, blank=True)
    retry_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)

    objects = DomainDeletionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(finished_at=None)
                | ~Q(rules="owed") & ~Q(identity="owed") & ~Q(rows="owed") & ~Q(stored_mail="owed"),
                name="finished_deletion_has_no_pending_step",
            )
        ]
        indexes = [
            models.Index(fields=["started_at"], condition=Q(finished_at=None), name="deletions_pending"),
            models.Index(fields=["finished_at"], condition=Q(proved_at=None), name="deletions_unproved"),
            models.Index(
                fields=["look_again_at"], condition=Q(look_again_at__isnull=False), name="deletions_look_again"
            ),
            models.Index(fields=["owner", "-started_at"], name="deletions_of_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.domain_id})"

    @property
    def key_prefix(self) -> str:
        return key_prefix(self.name, self.domain_id)

    @property
    def pending_steps(self) -> list[str]:
        """Field names, in the order of STEPS."""
        return [step for step in self.STEPS if getattr(self, step) == self.Step.PENDING]

    @classmethod
    def labels(cls, steps: Iterable[str]) -> str:
        """Steps as people read them: `identity, stored mail`."""
        return ", ".join(step.replace("_", " ") for step in steps)
