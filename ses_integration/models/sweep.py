"""What the last comparison of SES with the rows and the ledger has found."""

from __future__ import annotations

from django.db import models

from ses_integration.models.scope import Scoped


class SesSweep(Scoped):
    """The last sweep of SES. Times are the database's; `ended_at` is that of the last one that succeeded.

    `differences`: the problems that it has found and what is not ours (`watch/lines.py`), as many as are kept; `number` counts
    all problems, and `foreign_rules` the foreign rules that take mail of ours. `looked_at`: when the rule set was last looked
    at, by a sweep or between two of them, and `foreign_digest`: what was foreign there.
    """

    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=500, blank=True)
    needs_you = models.BooleanField(default=False)
    differences = models.JSONField(default=list, blank=True)
    number = models.PositiveIntegerField(default=0)
    foreign_rules = models.PositiveIntegerField(default=0)
    looked_at = models.DateTimeField()
    foreign_digest = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "rule_set"], name="one_sweep_per_rule_set")]

    def __str__(self) -> str:
        return f"{self.region}/{self.rule_set}"
