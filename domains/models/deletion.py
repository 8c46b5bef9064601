"""Reports of deletions, which outlive their domains (tombstones)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Case, Q, Value, When
from django.db.models.functions import Now

from domains.models.access import DomainAccess
from domains.models.domain import key_prefix
from rest.access.roles import Role
from rest.access.rows import OwnedQuerySet, has_shares
from rest.ids import deletion_id
from ses_integration.api import MailFolder


class Step(models.TextChoices):
    """The state of one step of a deletion, as it is published. People read "pending" for `owed`."""

    PENDING = "owed", "Pending"
    DONE = "done"
    KEPT = "kept"
    SUPERSEDED = "superseded", "Superseded: the domain was added again"
    RESTORED = "restored", "Restored: the deletion was undone"


class DomainDeletionQuerySet(OwnedQuerySet["DomainDeletion"]):
    def pending(self) -> Self:
        """Not finished, those in their grace period included."""
        return self.filter(finished_at=None)

    def under_way(self) -> Self:
        """Pending, and not in a grace period."""
        return self.pending().filter(restorable_until=None)

    def in_grace(self) -> Self:
        """In a grace period, which the worker may be about to end."""
        return self.pending().filter(restorable_until__isnull=False)

    def over(self) -> Self:
        """In a grace period that is over, by the database's clock, and that nobody has ended yet."""
        return self.in_grace().filter(restorable_until__lte=Now())

    def to_continue(self) -> Self:
        """Pending, without those whose grace period lasts."""
        return self.under_way() | self.over()

    def for_good(self) -> Self:
        """Without those that were undone."""
        return self.filter(restored_at=None)

    def locked(self) -> Self:
        """Locked until the transaction ends, with `now`, the database's time."""
        return self.select_for_update().annotate(now=Now())

    def visible_to(self, user: Any, least: Role = Role.VIEWER) -> Self:
        if least != Role.VIEWER or not has_shares(user):
            return self.owned_by(user)
        read = DomainDeletion.readers.through._default_manager.filter(user_id=user.pk)
        # That of a domain which was restored is about a domain to which they may have lost access since.
        shared = DomainAccess.objects.filter(user_id=user.pk)
        is_open = Q(restored_at=None) | Q(domain_id__in=shared.values("domain_id"))
        return self.filter(Q(owner_id=user.pk) | Q(is_open, pk__in=read.values("domaindeletion_id")))

    def with_role(self, user: Any) -> Self:
        if not has_shares(user):
            return self
        own = When(owner_id=user.pk, then=Value(Role.OWNER.value))
        return self.annotate(caller_role=Case(own, default=Value(Role.VIEWER.value), output_field=models.CharField()))


class DomainDeletion(models.Model):
    """The report of one domain's deletion: the state of each step, and the verification of absence. It outlives the domain.

    It never causes a call to SES (docs/architecture/protocol.md, "Counterexamples", 18).
    """

    # Names of fields of this model, in the documented order.
    STEPS = ("rules", "identity", "rows", "received_emails", "stored_mail")

    id = models.CharField(primary_key=True, max_length=255, default=deletion_id, editable=False)
    # A domain that was restored may be deleted again.
    domain_id = models.CharField(max_length=255, editable=False)
    name = models.CharField(max_length=253)
    # SET_NULL, because the report outlives the account, too.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="domain_deletions"
    )
    # Who had access when the domain was deleted. They may read the report.
    readers = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="readable_deletions", blank=True)
    requested_by = models.CharField(max_length=255, blank=True, help_text="User who requested it, if known.")
    request_id = models.CharField(
        max_length=100,
        blank=True,
        db_default="",
        help_text="Request that began it; others that it began have the same.",
    )
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # The end of the grace period. Null: there was none, or it has ended, at `grace_ended_at`.
    restorable_until = models.DateTimeField(null=True, blank=True)
    grace_ended_at = models.DateTimeField("grace period ended at", null=True, blank=True)
    restored_at = models.DateTimeField(null=True, blank=True)
    restored_by = models.CharField(
        max_length=255, blank=True, db_default="", help_text="User who restored it, if known."
    )

    rules = models.CharField(max_length=10, choices=Step, default=Step.PENDING)
    identity = models.CharField(max_length=10, choices=Step, default=Step.PENDING)
    rows = models.CharField(max_length=10, choices=Step, default=Step.PENDING)
    # Rows of the mail, which outlive the domain's other rows. `stored_mail`: its objects in S3.
    received_emails = models.CharField(max_length=10, choices=Step, default=Step.PENDING)
    stored_mail = models.CharField(max_length=10, choices=Step, default=Step.PENDING)
    # When each step was reached.
    rules_at = models.DateTimeField(null=True, blank=True)
    identity_at = models.DateTimeField(null=True, blank=True)
    rows_at = models.DateTimeField(null=True, blank=True)
    received_emails_at = models.DateTimeField(null=True, blank=True)
    stored_mail_at = models.DateTimeField(null=True, blank=True)
    ses_attempts = models.PositiveIntegerField(
        "SES attempts", default=0, help_text="Attempts to clean up SES that were observed."
    )

    # The state at the start, which rows and ledger do not keep.
    plan_token = models.CharField(max_length=255, blank=True, help_text="Token of the confirmed plan, if any.")
    records_to_publish = models.JSONField(
        default=list, blank=True, help_text="DNS records that the owner had to publish."
    )
    rule_names = models.JSONField(default=list, blank=True, help_text="Receipt rules in the ledger for the name.")
    blocked_emails = models.PositiveIntegerField(default=0)
    email_addresses = models.PositiveIntegerField(default=0)
    dns_records = models.PositiveIntegerField("DNS records", default=0)
    exports = models.PositiveIntegerField(default=0, db_default=0, help_text="In the bucket. They are erased first.")

    erased_emails = models.PositiveBigIntegerField(
        default=0, help_text="Received emails: a mail for one recipient each."
    )
    erased_attachments = models.PositiveBigIntegerField(default=0)
    erased_email_bytes = models.PositiveBigIntegerField(default=0, help_text="Size of their mails in the bucket.")
    erased_versions = models.PositiveBigIntegerField(default=0, help_text="Delete markers included.")
    erased_delete_markers = models.PositiveBigIntegerField(default=0)
    erased_bytes = models.PositiveBigIntegerField(default=0)
    late_versions = models.PositiveBigIntegerField(
        default=0, help_text="Erased versions that SES stored after the prefix had been empty once."
    )
    kept_versions = models.PositiveBigIntegerField(
        default=0, help_text="Versions that S3 refused to delete at the last attempt."
    )
    # Progress of the current pass through the prefix (`ErasedBatch.progress`); empty between passes.
    erase_progress = models.JSONField(default=dict, blank=True)

    # The last verification of absence: when it found nothing, its result, and when the next one is due.
    proved_at = models.DateTimeField("verified at", null=True, blank=True)
    proof = models.JSONField(default=dict, blank=True)
    # When `deletion_proved` was sent, once.
    announced_at = models.DateTimeField(null=True, blank=True, editable=False)
    look_again_at = models.DateTimeField(null=True, blank=True)

    # Where SES received and stored its mail when it was deleted. Empty means: what is configured now.
    region = models.CharField(max_length=32, blank=True)
    rule_set = models.CharField(max_length=64, blank=True)
    bucket = models.CharField(max_length=63, blank=True)
    problem = models.CharField(max_length=500, blank=True)
    stalled = models.BooleanField(
        default=False, db_default=False, help_text="Whether a person must act before stored mail can be erased."
    )
    retry_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)

    objects = DomainDeletionQuerySet.as_manager()

    # Set by `locked()`.
    now: datetime
    # Set by `domains.deletion.record.updating`: whether archives of the domain are still to be erased.
    has_archives: bool

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(finished_at=None)
                | ~Q(rules=Step.PENDING)
                & ~Q(identity=Step.PENDING)
                & ~Q(rows=Step.PENDING)
                & ~Q(received_emails=Step.PENDING)
                & ~Q(stored_mail=Step.PENDING),
                name="finished_deletion_has_no_pending_step",
            ),
            models.UniqueConstraint(
                fields=["domain_id"], condition=Q(restored_at=None), name="one_deletion_of_a_domain"
            ),
        ]
        indexes = [
            models.Index(fields=["domain_id"], name="deletions_of_domain"),
            models.Index(
                fields=["restorable_until"],
                condition=Q(finished_at=None, restorable_until__isnull=False),
                name="deletions_in_grace",
            ),
            models.Index(fields=["started_at"], condition=Q(finished_at=None), name="deletions_pending"),
            # What the worker looks for twice a second, without all that are in their grace periods.
            models.Index(
                fields=["started_at"],
                condition=Q(finished_at=None) & (Q(restorable_until=None) | Q(rules="owed")),
                name="deletions_to_do",
            ),
            models.Index(fields=["finished_at"], condition=Q(proved_at=None), name="deletions_unproved"),
            models.Index(
                fields=["proved_at"],
                condition=Q(proved_at__isnull=False, announced_at=None),
                name="deletions_unannounced",
            ),
            models.Index(
                fields=["look_again_at"], condition=Q(look_again_at__isnull=False), name="deletions_look_again"
            ),
            models.Index(fields=["owner", "-started_at"], name="deletions_of_owner"),
            models.Index(fields=["request_id"], condition=~Q(request_id=""), name="deletions_of_request"),
            # Counting them reads nothing but this small index.
            models.Index(fields=["owner"], condition=Q(finished_at__isnull=False), name="deletions_finished"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.domain_id})"

    @property
    def in_grace(self) -> bool:
        return self.restorable_until is not None and self.finished_at is None

    @property
    def key_prefix(self) -> str:
        return key_prefix(self.name, self.domain_id)

    @property
    def mail(self) -> MailFolder:
        return MailFolder(self.key_prefix, self.bucket)

    @property
    def pending_steps(self) -> list[str]:
        """Field names, in the order of STEPS."""
        return [step for step in self.STEPS if getattr(self, step) == Step.PENDING]

    @classmethod
    def labels(cls, steps: Iterable[str]) -> str:
        """Steps as people read them: `identity, stored mail`."""
        return ", ".join(step.replace("_", " ") for step in steps)
