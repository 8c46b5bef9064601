"""State of a region and rule set: its AWS account, learned limits, and what sweeps have done."""

from __future__ import annotations

from django.db import models

from ses_integration.models.scope import Scoped


class RuleSetState(Scoped):
    """AWS account, learned limits, and the usage of quotas by others as of the last SES sweep."""

    account = models.CharField(
        max_length=12,
        blank=True,
        help_text="The AWS account that the ledger describes; ses_setup --new-account changes it.",
    )
    recipients_per_rule = models.PositiveIntegerField(
        null=True, blank=True, help_text="Learned when SES refused a rule as too large; if empty, the setting applies."
    )
    rules_per_set = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Learned when SES refused one rule more; if empty, the documented quota applies.",
    )
    foreign_rules = models.PositiveIntegerField(default=0)
    foreign_identities = models.PositiveIntegerField(default=0)
    swept_at = models.DateTimeField(
        null=True, blank=True, help_text="When a worker last started to compare SES with the ledger."
    )

    rows_compared = models.BooleanField(
        default=False,
        editable=False,
        help_text="Whether the last database sweep compared the rows with this ledger.",
    )

    mail_probe = models.CharField(
        max_length=32,
        blank=True,
        editable=False,
        help_text="The probe of ses_doctor that a mail worker or a web process has received last.",
    )

    class Meta:
        verbose_name_plural = "rule set states"
        constraints = [models.UniqueConstraint(fields=["region", "rule_set"], name="one_state_per_rule_set")]

    def __str__(self) -> str:
        return f"{self.region}/{self.rule_set}"
