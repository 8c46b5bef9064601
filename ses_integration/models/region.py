"""What SES has shown of itself."""

from __future__ import annotations

from django.db import models

from ses_integration.models.scope import Scoped


class RuleSetState(Scoped):
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
        constraints = [models.UniqueConstraint(fields=["region", "rule_set"], name="one_state_per_rule_set")]

    def __str__(self) -> str:
        return f"{self.region}/{self.rule_set}"
