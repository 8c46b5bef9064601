"""Sync state of each domain name, and who may call SES when."""

from __future__ import annotations

from django.db import models

from ses_integration.models.scope import Scoped


class DomainSync(Scoped):
    """SES must follow: `generation` counts the changes to the rows, `observed_generation` those that SES has answered."""

    domain = models.CharField(max_length=253)
    generation = models.PositiveBigIntegerField(default=0)
    observed_generation = models.PositiveBigIntegerField(default=0)
    changed_at = models.DateTimeField(auto_now_add=True)
    # The domains' queue: since it fell behind, or had its last turn. Empty while it is in line.
    queued_at = models.DateTimeField(null=True, blank=True)
    retry_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    stalled = models.BooleanField(default=False)
    last_error = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["region", "rule_set", "domain"], name="one_sync_per_domain"),
            models.CheckConstraint(
                condition=models.Q(observed_generation__lte=models.F("generation")), name="observed_never_ahead"
            ),
        ]
        indexes = [
            # The worker's question: whose turn is it?
            models.Index(
                fields=["region", "rule_set", "retry_at"],
                condition=models.Q(generation__gt=models.F("observed_generation")),
                name="sync_pending",
            )
        ]

    def __str__(self) -> str:
        return f"{self.domain} {self.observed_generation}/{self.generation}"

    @property
    def pending(self) -> bool:
        return self.generation > self.observed_generation


class Lease(Scoped):
    """Who may write to SES now. `fence` goes up by one at every acquisition; a holder without its fence records nothing."""

    holder = models.CharField(max_length=64, blank=True)
    expires_at = models.DateTimeField()
    fence = models.PositiveBigIntegerField(default=0)
    # A request is waiting until about then: the worker lets it go first.
    requested_until = models.DateTimeField(null=True, blank=True)
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
