"""Sync state of each domain name, the lease of each rule set, and the rate limits of each region."""

from __future__ import annotations

from datetime import datetime

from django.db import models

from ses_integration.models.scope import Scoped


class DomainSync(Scoped):
    """How far SES follows the rows of a domain name, its place in the queue and its back-off.

    `generation` counts the changes of the rows. SES is confirmed to follow up to `observed_generation`.
    """

    domain = models.CharField(max_length=253)
    generation = models.PositiveBigIntegerField(default=0)
    observed_generation = models.PositiveBigIntegerField(default=0)
    changed_at = models.DateTimeField(auto_now_add=True)
    # "6:f00d 7:3 8:900": generation 6 was observed with the layout of digest f00d. Since then, only the addresses in the slots 3
    # and 900 have changed, in the generations 7 and 8. If a generation is missing, or the log is empty, anything may have
    # changed.
    change_log = models.CharField(max_length=500, blank=True, db_default="")
    # When the domain fell behind or had its last turn. Empty while it is up to date.
    queued_at = models.DateTimeField(null=True, blank=True)
    # Several changes were observed together a moment ago. Until then a pass waits for more before its first call.
    batch_until = models.DateTimeField(null=True, blank=True)
    retry_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    stalled = models.BooleanField(default=False)
    last_error = models.CharField(max_length=500, blank=True)

    # Set by `with_calls_in_flight()` in status/sync_state.py.
    unanswered: int
    unknown_until: datetime | None

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["region", "rule_set", "domain"], name="one_sync_per_domain"),
            models.CheckConstraint(
                condition=models.Q(observed_generation__lte=models.F("generation")), name="observed_never_ahead"
            ),
        ]
        indexes = [
            # Each request and the worker look for domains that are due.
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
    """The right to write to SES. `fence` is the fencing token: it goes up by one whenever the lease is taken."""

    holder = models.CharField(max_length=64, blank=True)
    expires_at = models.DateTimeField()
    fence = models.PositiveBigIntegerField(default=0)
    # Until about this time a request waits for the lease, and the worker lets it go first.
    requested_until = models.DateTimeField(null=True, blank=True)
    # Start of an outage of SES. The first success afterwards makes all domains in back-off due.
    outage_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "rule_set"], name="one_lease_per_rule_set")]

    def __str__(self) -> str:
        return f"{self.region}/{self.rule_set} fence {self.fence}"


class RateLimit(models.Model):
    """When the next control call may be sent to the region, by any process on any host."""

    region = models.CharField(max_length=32, unique=True)
    next_slot = models.DateTimeField()

    def __str__(self) -> str:
        return self.region


class SendingLimit(models.Model):
    """How much mail the account may send in the region, and when any process on any host may send the next.

    `per_second` and `per_day` as SES last said. 0 or less is no limit. `sent`: mails in 24 hours as SES last counted them, and
    those of ours since. `ask_at`: when to ask SES again.
    """

    region = models.CharField(max_length=32, unique=True)
    next_slot = models.DateTimeField()
    per_second = models.FloatField()
    per_day = models.FloatField()
    sent = models.FloatField()
    ask_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.region
