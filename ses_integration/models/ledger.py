"""The ledger: every rule and identity that we have ever asked SES for."""

from __future__ import annotations

from django.db import models

from ses_integration.models.scope import EntryScopedQuerySet, Scoped
from ses_integration.plan.resources import Operation, Presence, ResourceKind


class LedgerEntry(Scoped):
    """One receipt rule or identity that we have ever asked SES for, from before the first call to the confirmed removal."""

    domain = models.CharField(max_length=253)
    kind = models.CharField(max_length=8, choices=[(kind.value, kind.value) for kind in ResourceKind])
    name = models.CharField(max_length=253)
    presence = models.CharField(
        max_length=8,
        choices=[(presence.value, presence.value) for presence in Presence],
        default=Presence.UNKNOWN.value,
    )
    exists = models.BooleanField(default=False, help_text="Known unknown, but surely there.")
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
        # The domain first: some look for it in every region and rule set.
        indexes = [models.Index(fields=["domain", "region", "rule_set"], name="ledger_by_name")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}: {self.presence}"


class LedgerRecipient(models.Model):
    """A recipient of a rule, as the last answered call left it. Rows, so that lists of addresses can ask in one statement."""

    entry = models.ForeignKey(LedgerEntry, on_delete=models.CASCADE, related_name="recipients")
    recipient = models.CharField(max_length=320)

    objects = EntryScopedQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["entry", "recipient"], name="recipient_once_per_rule")]
        indexes = [models.Index(fields=["recipient"], name="ledger_by_recipient")]

    def __str__(self) -> str:
        return self.recipient


class LedgerIdentity(models.Model):
    """What SES has told us of an identity. `ours`: we created it, or its tag says so; unknown until an answer came."""

    entry = models.OneToOneField(LedgerEntry, on_delete=models.CASCADE, related_name="identity", primary_key=True)
    ours = models.BooleanField(null=True, blank=True)
    status = models.CharField(max_length=32, blank=True)
    verification_token = models.CharField(max_length=255, blank=True)
    dkim_tokens = models.JSONField(default=list, blank=True)
    dkim_zone = models.CharField(max_length=253, blank=True)
    dkim_status = models.CharField(max_length=32, blank=True)
    mail_from_domain = models.CharField(max_length=253, blank=True)
    mail_from_status = models.CharField(max_length=32, blank=True)
    mail_from_verified_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)

    objects = EntryScopedQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "identity facts"

    def __str__(self) -> str:
        return f"{self.entry_id}: {self.status}"


class InFlightCall(models.Model):
    """A call that is on its way, or went out and got no answer: it may be applied at any moment up to `until`.

    One row a call: a refusal must take away its own doubt and no older one
    (docs/architecture/protocol.md, "Counterexamples", 23).
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
        return f"{self.operation} until {self.until:%H:%M:%S}"
