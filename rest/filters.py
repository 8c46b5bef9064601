"""Query parameters of lists, declared on the viewset as `filters` and described for schema generators."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, ClassVar, Protocol, cast

from django.db.models import Q, QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request
from rest_framework.views import APIView

from rest.ids import is_id
from rest.prebuilt import Parameter
from rest.schema.parts import parameter


class Filter(Protocol):
    """A query parameter. `schema` is its JSON schema."""

    @property
    def parameter(self) -> str: ...

    @property
    def schema(self) -> dict[str, Any]: ...

    def apply(self, rows: Any, text: str | None) -> Any:
        """Return the rows that match. `text`: the parameter's value, or None if the query does not have it."""


class QueryFilters(BaseFilterBackend):
    """DRF filter backend that applies the view's `filters` in order."""

    def filter_queryset(self, request: Request, queryset: Any, view: APIView) -> Any:
        for query_filter in _filters(view):
            queryset = query_filter.apply(queryset, cast(Any, view).query.get(query_filter.parameter))
        return queryset

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        return [parameter(query_filter.parameter, query_filter.schema) for query_filter in _filters(view)]


def _filters(view: APIView) -> Iterable[Filter]:
    filters: Sequence[Filter] = getattr(view, "filters", ())
    return filters


def flag(parameter: str, text: str | None) -> bool | None:
    """The value of a boolean parameter; None if the query does not have it.

    Raises ValidationError for any text but `true` and `false` (docs/api/compatibility.md, "Values").
    """
    if text not in (None, "true", "false"):
        raise ValidationError(f"{parameter} must be true or false")
    return None if text is None else text == "true"


@dataclass(frozen=True, slots=True)
class IdFilter:
    """Rows whose `column` is the given id. An unknown id leaves no rows. An empty one is ignored."""

    parameter: str
    column: str
    schema: ClassVar[dict[str, Any]] = {"type": "string"}

    def apply(self, rows: QuerySet[Any], text: str | Parameter | None) -> QuerySet[Any]:
        if not text:
            return rows
        return rows.filter(**{self.column: text}) if isinstance(text, Parameter) or is_id(text) else rows.none()


@dataclass(frozen=True, slots=True)
class FlagFilter:
    """Rows by a boolean. `by`: the column with that value, or a function of rows and value that returns rows."""

    parameter: str
    by: str | Callable[[Any, bool], Any]
    schema: ClassVar[dict[str, Any]] = {"type": "boolean"}

    def value(self, text: str | None) -> bool | None:
        """What the parameter asks for; None if the query does not have it. Raises ValidationError."""
        return flag(self.parameter, text)

    def apply(self, rows: Any, text: str | None) -> Any:
        value = self.value(text)
        if value is None:
            return rows
        return rows.filter(**{self.by: value}) if isinstance(self.by, str) else self.by(rows, value)


def one_of(parameter: str, text: str, choices: Iterable[str]) -> str:
    """Return the text. Raises ValidationError with the choices unless it is one of them."""
    if text not in choices:
        raise ValidationError(f"{parameter} must be one of: {', '.join(choices)}")
    return text


@dataclass(frozen=True, slots=True)
class ChoiceFilter:
    """Rows whose column has the given value, one of `choices`. An empty one is ignored."""

    parameter: str
    column: str
    choices: Collection[str]

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.choices)}

    def apply(self, rows: QuerySet[Any], text: str | None) -> QuerySet[Any]:
        return rows.filter(**{self.column: one_of(self.parameter, text, self.choices)}) if text else rows


@dataclass(frozen=True, slots=True)
class TextFilter:
    """Rows by a text. `by`: a function of rows and text that returns rows. An empty text is ignored."""

    parameter: str
    by: Callable[[Any, str], Any]
    schema: ClassVar[dict[str, Any]] = {"type": "string"}

    def apply(self, rows: Any, text: str | None) -> Any:
        if not text:
            return rows
        # No column has these, and PostgreSQL raises an error for them.
        return rows.none() if re.search(r"[\0\ud800-\udfff]", text) else self.by(rows, text)


def containing(*columns: str) -> Callable[[Any, str], Any]:
    """For a TextFilter: rows with the text in one of the columns, in any case."""

    def by(rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        return rows.filter(reduce(or_, (Q(**{f"{column}__icontains": text}) for column in columns)))

    return by


def named(column: str, canonical: Callable[[str], str]) -> Callable[[Any, str], Any]:
    """For a TextFilter: rows whose column is a name as people write it. A text that is no name finds nothing."""

    def by(rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        try:
            return rows.filter(**{column: canonical(text)})
        except ValueError:
            return rows.none()

    return by


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Order by name. The first of `orders` is the default."""

    parameter: str
    orders: Mapping[str, tuple[str, ...]]

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.orders)}

    def apply(self, rows: QuerySet[Any], text: str | None) -> QuerySet[Any]:
        name = one_of(self.parameter, text, self.orders) if text else next(iter(self.orders))
        return rows.order_by(*self.orders[name])
