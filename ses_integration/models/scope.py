"""Rows that belong to one rule set of one region."""

from __future__ import annotations

from typing import Self, TypeVar

from django.db import models

from ses_integration.conf import SesConfig

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
