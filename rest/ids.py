"""Opaque identifiers: make them, and find rows by them.

An optional prefix and 21 characters of `A-Za-z0-9_-` (docs/api/compatibility.md, "Identifiers").
"""

from __future__ import annotations

import re
import secrets
from typing import TypeGuard, TypeVar

from django.db.models import Model, QuerySet
from rest_framework.exceptions import NotFound

LENGTH = 21

Row = TypeVar("Row", bound=Model)

_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")


def new_id(prefix: str = "") -> str:
    """Make an id with 126 random bits, so that it is never reused and cannot be guessed."""
    return prefix + secrets.token_urlsafe(16)[:LENGTH]


def bare_id() -> str:
    return new_id()


def domain_id() -> str:
    return new_id("indm_")


def dns_record_id() -> str:
    return new_id("dns_")


def deletion_id() -> str:
    return new_id("del_")


def is_id(text: object) -> TypeGuard[str]:
    """Whether this can be an id. PostgreSQL raises an error for some other texts, for example with a NUL."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def find_or_none(rows: QuerySet[Row], pk: object) -> Row | None:
    """The row with this id from a client, or None."""
    return rows.filter(pk=pk).first() if is_id(pk) else None


def find(rows: QuerySet[Row], pk: object, error: str) -> Row:
    """The row with this id from a client. Raises NotFound with `error`."""
    row = find_or_none(rows, pk)
    if row is None:
        raise NotFound(error)
    return row
