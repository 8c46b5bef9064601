"""Finding one row by what a client wrote into a path, a query or a body."""

from __future__ import annotations

import re
from typing import TypeVar

from django.db.models import Model, QuerySet
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request

Row = TypeVar("Row", bound=Model)

# Anything else is no id of ours; PostgreSQL would answer some of it (a NUL) with an error.
ID = re.compile(r"[A-Za-z0-9_-]{1,255}")


def find(rows: QuerySet[Row], pk: object, error: str) -> Row:
    """The row with this id, or 404 with `error`. `rows` are the caller's own, so somebody else's row is not found."""
    row = rows.filter(pk=pk).first() if isinstance(pk, str) and ID.fullmatch(pk) else None
    if row is None:
        raise NotFound(error)
    return row


def filter_by_id(rows: QuerySet[Row], request: Request, parameter: str, column: str) -> QuerySet[Row]:
    """The rows whose `column` is the id in the query; an id that nothing has leaves none."""
    pk = request.query_params.get(parameter)
    if not pk:
        return rows
    return rows.filter(**{column: pk}) if ID.fullmatch(pk) else rows.none()


def flag(request: Request, parameter: str) -> bool | None:
    """A boolean filter: None if it is not there, True for `true`; anything else means false.

    See docs/api/compatibility.md, "Values".
    """
    text = request.query_params.get(parameter)
    return None if text is None else text == "true"


def strict_flag(request: Request, parameter: str) -> bool | None:
    """The same where nothing is published to be compatible with: anything else than `true` and `false` is 400."""
    text = request.query_params.get(parameter)
    if text not in (None, "true", "false"):
        raise ValidationError(f"{parameter} must be true or false")
    return flag(request, parameter)
