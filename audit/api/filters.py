"""The query parameters of `/audit-log`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime
from rest_framework.exceptions import ValidationError

from audit.actions import WORDS, Action
from audit.models import Change
from audit.origin import Door
from rest.filters import Filter, TextFilter

Changes = QuerySet[Change]
LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class WordFilter:
    """Entries whose column has one of the known values. `values`: by the API's word."""

    parameter: str
    column: str
    values: Mapping[str, str]

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.values)}

    def apply(self, rows: Changes, text: str | None) -> Changes:
        if not text:
            return rows
        if text not in self.values:
            raise ValidationError(f"{self.parameter} must be one of: {', '.join(self.values)}")
        return rows.filter(**{self.column: self.values[text]})


@dataclass(frozen=True, slots=True)
class TimeFilter:
    """Entries before or after a time. `lookup`: such as `at__gte`."""

    parameter: str
    lookup: str
    schema: ClassVar[dict[str, Any]] = {"type": "string", "format": "date-time"}

    def apply(self, rows: Changes, text: str | None) -> Changes:
        if not text:
            return rows
        try:
            at = parse_datetime(text)
            if at is None:
                raise ValueError
            return rows.filter(**{self.lookup: (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)})
        except (ValueError, OverflowError) as error:
            raise ValidationError(f"{self.parameter} must be a time such as 2026-11-26T10:00:00Z") from error


@dataclass(frozen=True, slots=True)
class BeforeFilter:
    """Entries that are older than one, so that new ones do not move the pages."""

    parameter: str
    schema: ClassVar[dict[str, Any]] = {"type": "string"}

    def apply(self, rows: Changes, text: str | None) -> Changes:
        if not text:
            return rows
        if not text.isascii() or not text.isdigit() or len(text) > 19 or int(text) > LARGEST_ID:
            raise ValidationError(f"{self.parameter} must be the id of an entry")
        return rows.filter(pk__lt=int(text))


FILTERS: list[Filter] = [
    WordFilter("objectType", "object_type", {word: label for label, word in WORDS.items()}),
    # With all types, so that the index of both serves.
    TextFilter("objectId", lambda rows, text: rows.filter(object_type__in=list(WORDS), object_id=text)),
    TextFilter("objectName", lambda rows, text: rows.filter(object_name=text)),
    WordFilter("action", "action", {action.value: action.value for action in Action}),
    WordFilter("door", "door", {door: door for door in Door.values}),
    TimeFilter("from", "at__gte"),
    TimeFilter("to", "at__lt"),
    BeforeFilter("before"),
]
