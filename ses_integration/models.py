"""The memory of what SES should hold, what it holds, and what is still in doubt (protocol, section 1).

Everything hangs on the domain's *name*, never on a foreign key: it outlives the domain, so that what is owed after a
deletion is not forgotten, and what we made stays known as ours when the domain is added again.
"""

from __future__ import annotations

from typing import Self, TypeVar

from django.db import models

from ses_integration.config import SesConfig
from ses_integration.planning import Kind, Known, Operation

Row = TypeVar("Row", bound=models.Model, covariant=True)


class ScopedQuerySet(models.QuerySet[Row]):
    """Rules live in one rule set of one region; a change of either starts a ledger of its own."""

    _path = ""

    def of(self, config: SesConfig) -> Self:
        return self.filter(
            **{f"{self._path}region": config.region, f"{self._path}rule_set": config.rule_set},
        )


class EntryScopedQuerySet(ScopedQuerySet[Row]):
    """The same for what hangs on a ledger entry."""

    _path = "entry__"


class Scoped(models.Model):
    region = models.CharField(max_length=32)
    rule_set = models.CharField(max_length=64)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        abstract = True


class DomainMark(Scoped):
    """SES must follow: `generation` counts the changes to the rows, `applied_generation` those that SES has answered."""

    domain = models.CharField(max_length=253)
    generation = models.PositiveBigIntegerField(default=0)
    applied_generation = models.PositiveBigIntegerField(default=0)
    changed_at = models.DateTimeField(auto_now_add=True)
    # The domains' queue: since it fell behind, or had its last turn. Empty while it is in line.
    waiting_since = models.DateTimeField(null=True, blank=True)
    next_attempt = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    needs_attention = models.BooleanField(default=False)
    last_error = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["region", "rule_set", "domain"], name="one_mark_per_domain"),
            models.CheckConstraint(
                condition=models.Q(applied_generation__lte=models.F("generation")), name="applied_never_ahead"
            ),
        ]
        indexes = [
            # The worker's question: whose turn is it?
            models.Index(
                fields=["region", "rule_set", "next_attempt"],
                condition=models.Q(generation__gt=models.F("applied_generation")),
                name="marks_owed",
            )
        ]

    def __str__(self) -> str:
        return f"{self.domain} {self.applied_generation}/{self.generation}"

    @property
    def owed(self) -> bool:
        return self.generation > self.applied_generation


class Lease(Scoped):
    """Who may write to SES now. `fence` goes up by one at every acquisition; a holder without its fence records nothing."""

    holder = models.CharField(max_length=64, blank=True)
    expires_at = models.DateTimeField()
    fence = models.PositiveBigIntegerField(default=0)
    # A request is waiting until about then: the worker lets it go first.
    wanted_until = models.DateTimeField(null=True, blank=True)
    # SES did not answer or answered with an error; the first success makes everybody's waiting work due.
    outage_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "rule_set"], name="one_lease_per_rule_set")]

    def __str__(self) -> str:
        return f"{self.region}/{self.rule_set} fence {self.fence}"


class RateLimit(models.Model):
    """When the region's next control call may go out, for all processes and machines together."""

    region = models.CharField(max_length=32, unique=True)
    next_slot = models.DateTimeField()

    def __str__(self) -> str:
        return self.region


class Capacity(Scoped):
    """What SES has shown of itself: whose it is, its limits, and how much of them others use, as of the last sweep."""

    account = models.CharField(
        max_length=12,
        blank=True,
        help_text="The AWS account that the ledger is of; ses_setup --new-account changes it.",
    )
    recipients_per_rule = models.PositiveIntegerField(
        null=True, blank=True, help_text="Learned from a refusal; empty: as configured."
    )
    foreign_rules = models.PositiveIntegerField(default=0)
    foreign_identities = models.PositiveIntegerField(default=0)
    swept_at = models.DateTimeField(
        null=True, blank=True, help_text="When a worker last began to compare SES with the ledger."
    )

    class Meta:
        verbose_name_plural = "capacity"
        constraints = [models.UniqueConstraint(fields=["region", "rule_set"], name="one_capacity_per_rule_set")]

    def __str__(self) -> str:
        return f"{self.region}/{self.rule_set}"


class LedgerEntry(Scoped):
    """One receipt rule or identity that we have ever asked SES for, from before the first call to the confirmed removal."""

    domain = models.CharField(max_length=253)
    kind = models.CharField(max_length=8, choices=[(kind.value, kind.value) for kind in Kind])
    name = models.CharField(max_length=253)
    known = models.CharField(
        max_length=8, choices=[(known.value, known.value) for known in Known], default=Known.UNKNOWN.value
    )
    exists = models.BooleanField(default=False, help_text="Known unknown, but surely there.")
    digest = models.CharField(max_length=64, blank=True)
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "ledger entries"
        constraints = [
            models.UniqueConstraint(fields=["region", "rule_set", "kind", "name"], name="one_entry_per_name"),
            models.CheckConstraint(condition=models.Q(kind__in=[kind.value for kind in Kind]), name="ledger_kind"),
            models.CheckConstraint(condition=models.Q(known__in=[known.value for known in Known]), name="ledger_known"),
        ]
        # The domain first: some look for it in every region and rule set.
        indexes = [models.Index(fields=["domain", "region", "rule_set"], name="ledger_by_name")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}: {self.known}"


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


class IdentityFacts(models.Model):
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


class UnansweredCall(models.Model):
    """A call that is on its way, or went out and got no answer: it may be applied at any moment up to `until`.

    One row a call: a refusal must take away its own doubt and no older one (protocol 8, counterexample 23).
    """

    entry = models.ForeignKey(LedgerEntry, on_delete=models.CASCADE, related_name="unanswered")
    operation = models.CharField(max_length=16, choices=[(op.value, op.value) for op in Operation])
    recipients = models.JSONField(default=list, blank=True)
    until = models.DateTimeField()
    fence = models.PositiveBigIntegerField()

    objects = EntryScopedQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["until"], name="unanswered_due")]

    def __str__(self) -> str:
        return f"{self.operation} until {self.until:%H:%M:%S}"
