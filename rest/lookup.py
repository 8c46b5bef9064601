"""Find one row by an id from a client."""

from __future__ import annotations

import re
from typing import TypeGuard, TypeVar

from django.db.models import Model, QuerySet
from rest_framework.exceptions import NotFound

Row = TypeVar("Row", bound=Model)

_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")


def is_id(text: object) -> TypeGuard[str]:
    """Whether this can be an id. PostgreSQL raises an error for some other texts, for example with a NUL."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def find_or_none(rows: QuerySet[Row], pk: object) -> Row | None:
    """The row with this id, or None."""
    return rows.filter(pk=pk).first() if is_id(pk) else None


def find(rows: QuerySet[Row], pk: object, error: str) -> Row:
    """The row with this id. Raises NotFound with `error`."""
    row = find_or_none(rows, pk)
    if row is None:
        raise NotFound(error)
    return row
