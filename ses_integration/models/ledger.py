"""The ledger: recorded state of SES resources, and calls in flight."""

from __future__ import annotations

from django.db import models

from backoffice.text import moment
from ses_integration.models.scope import EntryScopedQuerySet, Scoped
from ses_integration.plan.resources import Operation, Presence, ResourceKind


class LedgerEntry(Scoped):
    """A receipt rule or identity in SES: written before the first call for it, deleted after its confirmed removal."""

    domain = models.CharField(max_length=253)
    kind = models.CharField(max_length=8, choices=[(kind.value, kind.value) for kind in ResourceKind])
    name = models.CharField(max_length=253)
    presence = models.CharField(
        max_length=8,
        choices=[(presence.value, presence.value) for presence in Presence],
        default=Presence.UNKNOWN.value,
    )
    exists = models.BooleanField(
        default=False, help_text="With presence unknown: it exists in SES, but its contents are not known."
    )
    digest = models.CharField(max_length=64, blank=True)
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "ledger entries"
        constraints = [
            models.UniqueConstraint(fields=["region", "rule_set", "kind", "name"], name="one_entry_per_name"),
            models.CheckConstraint(
                condition=models.Q(kind__in=[kind.value for kind in ResourceKind]), name="ledger_kind"
            ),
            models.CheckConstraint(
                condition=models.Q(presence__in=[presence.value for presence in Presence]), name="ledger_presence"
            ),
        ]
        # Domain first: some queries look for it in every scope.
        indexes = [models.Index(fields=["domain", "region", "rule_set"], name="ledger_by_name")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}: {self.presence}"


class LedgerRecipient(models.Model):
    """A recipient of a rule according to the last answered call (ADR 5)."""

    entry = models.ForeignKey(LedgerEntry, on_delete=models.CASCADE, related_name="recipients")
    recipient = models.CharField(max_length=320)

    objects = EntryScopedQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["entry", "recipient"], name="recipient_once_per_rule")]
        indexes = [
            models.Index(fields=["recipient"], name="ledger_by_recipient"),
            # Catch-alls: their recipient is the bare domain.
            models.Index(fields=["recipient"], condition=~models.Q(recipient__contains="@"), name="ledger_catch_alls"),
        ]

    def __str__(self) -> str:
        return self.recipient


class LedgerIdentity(models.Model):
    """Details of an identity as SES last reported them. `ours`: this installation created it. None: SES has not said yet."""

    entry = models.OneToOneField(LedgerEntry, on_delete=models.CASCADE, related_name="identity", primary_key=True)
    ours = models.BooleanField(null=True, blank=True)
    status = models.CharField(max_length=32, blank=True)
    verification_token = models.CharField(max_length=255, blank=True)
    dkim_tokens = models.JSONField(default=list, blank=True)
    dkim_zone = models.CharField(max_length=253, blank=True)
    dkim_status = models.CharField(max_length=32, blank=True)
    # Longer than a name may be, if the domain is as long as possible.
    mail_from_domain = models.CharField(max_length=320, blank=True)
    mail_from_status = models.CharField(max_length=32, blank=True)
    mail_from_verified_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    # Only `sending` writes it. A pass that writes back an older value makes it ask SES once more.
    feedback_off = models.BooleanField(
        default=False, db_default=False, help_text="Whether SES reports bounces only as events, and not also by mail."
    )

    objects = EntryScopedQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "ledger identities"

    def __str__(self) -> str:
        return f"{self.entry_id}: {self.status}"


class InFlightCall(models.Model):
    """A call that has no answer yet: SES may apply it at any moment until `until`.

    One row per call: a refused call must not clear an older one (docs/architecture/protocol.md, "Unknown outcomes").
    """

    entry = models.ForeignKey(LedgerEntry, on_delete=models.CASCADE, related_name="in_flight")
    operation = models.CharField(max_length=16, choices=[(op.value, op.value) for op in Operation])
    recipients = models.JSONField(default=list, blank=True)
    until = models.DateTimeField()
    fence = models.PositiveBigIntegerField()

    objects = EntryScopedQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["until"], name="in_flight_until")]

    def __str__(self) -> str:
        return f"{self.operation} until {moment(self.until)}"
