"""Base of all rows that belong to a scope: one rule set in one region."""

from __future__ import annotations

from typing import Self, TypeVar

from django.db import models

from ses_integration.conf import SesConfig

Row = TypeVar("Row", bound=models.Model, covariant=True)


class ScopedQuerySet(models.QuerySet[Row]):
    """Rows with a scope. A change of the configured region or rule set starts an empty ledger."""

    _path = ""

    def of(self, config: SesConfig) -> Self:
        """Only the rows of the configured scope."""
        return self.filter(
            **{f"{self._path}region": config.region, f"{self._path}rule_set": config.rule_set},
        )

    def elsewhere(self, config: SesConfig) -> Self:
        """Only the rows of other scopes."""
        return self.exclude(
            **{f"{self._path}region": config.region, f"{self._path}rule_set": config.rule_set},
        )


class EntryScopedQuerySet(ScopedQuerySet[Row]):
    """Rows that have their scope from a ledger entry."""

    _path = "entry__"


class Scoped(models.Model):
    region = models.CharField(max_length=32)
    rule_set = models.CharField(max_length=64)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        abstract = True
