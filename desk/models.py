"""How full SES's quotas were, day by day."""

from __future__ import annotations

from django.db import models


class CapacitySample(models.Model):
    """The usage of the quotas on one day, as it was seen last. One row a day for each region and rule set."""

    region = models.CharField(max_length=50)
    rule_set = models.CharField(max_length=64)
    day = models.DateField()
    rules = models.PositiveIntegerField()
    identities = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "rule_set", "day"], name="one_sample_a_day")]

    def __str__(self) -> str:
        return f"{self.region}/{self.rule_set} on {self.day}"
