"""Exports and imports that need somebody."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple, cast

from django.db.models import Count, F, Min, Value, Window
from django.db.models.functions import RowNumber

from archives.models.claimed import ClaimedQuerySet
from archives.models.exports import Export
from archives.models.imports import Import


class Troubled(NamedTuple):
    """`kind`: `export` or `import`. `number` and `oldest`: of all of its kind, also those that are not listed."""

    kind: str
    pk: str
    domain_name: str
    state: str
    ended: str
    problem: str
    created_at: datetime
    failures: int
    retry_at: datetime | None
    account_id: Any
    number: int
    oldest: datetime
    place: int

    @property
    def has_failed(self) -> bool:
        return "failed" in (self.state, self.ended)


def troubled(account: Any | None, most: int) -> list[Troubled]:
    """The oldest ones of each kind, of an account or of all; one statement."""
    exports, imports = (_rows(model.objects.all(), account) for model in (Export, Import))
    found = exports.union(imports, all=True).order_by("place", "created_at")[:most]
    return [Troubled(*cast(Any, row)) for row in found]


def _rows(rows: ClaimedQuerySet[Any], account: Any | None) -> Any:
    rows = rows.needs_somebody()
    if account is not None:
        rows = rows.filter(account=account)
    return rows.annotate(
        kind=Value(rows.model._meta.model_name),
        number=Window(Count("pk")),
        oldest=Window(Min("created_at")),
        # So that some of each kind are listed, however many there are of the other.
        place=Window(RowNumber(), order_by=[F("created_at").asc(), F("pk").asc()]),
    ).values_list(*Troubled._fields)
