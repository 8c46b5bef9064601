"""Pages of lists (docs/api/compatibility.md, "Lists")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from rest.schema.parts import PAGINATION, parameter

if TYPE_CHECKING:
    from rest_framework.views import APIView

DEFAULT_LIMIT, MAX_LIMIT = 50, 100
# Lists of up to so many rows are sorted, which takes 1 ms.
MAX_SORTED = 1000
# No table has more rows, and databases refuse offsets beyond 64 bits.
MAX_OFFSET = 2**31


class LimitOffset(BasePagination):
    """`{data, pagination: {limit, offset, total, hasMore}}`. A limit over 100 counts as 100, unless the viewset refuses it.

    For lists of an `OwnedViewSet`, which counts the rows and reads a page.
    """

    # Its query parameters.
    names = ("limit", "offset")
    limit = DEFAULT_LIMIT
    offset = 0
    total = 0

    # Any: DRF also allows sequences and other views.
    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self._read(request, view)
        self.total = view.count(queryset)
        if self.offset >= self.total:
            return []
        limit, offset, from_end = self._nearer_end()
        rows: list[Any] = view.page(limit, offset, from_end=from_end, is_short=self.total <= MAX_SORTED)
        return rows

    def pick(self, rows: Any, request: Request, view: Any) -> list[Any]:
        """A page of rows that are not the viewset's own list, such as those that belong to one row of it."""
        self._read(request, view)
        self.total = rows.count()
        if self.offset >= self.total:
            return []
        limit, offset, from_end = self._nearer_end()
        found = list((rows.reverse() if from_end else rows)[offset : offset + limit])
        return found[::-1] if from_end else found

    def _nearer_end(self) -> tuple[int, int, bool]:
        """Limit and offset, and whether the offset counts from the end: the database passes all rows before the page."""
        limit = min(self.limit, self.total - self.offset)
        if self.offset > self.total // 2:
            return limit, self.total - self.offset - limit, True
        return limit, self.offset, False

    def slice(
        self, values: Sequence[Any], request: Request, view: Any, *, default: int = DEFAULT_LIMIT
    ) -> list[tuple[int, Any]]:
        """A page of a list that is no table: the values with their positions."""
        self._read(request, view, default)
        self.total = len(values)
        return list(enumerate(values))[self.offset : self.offset + self.limit]

    def _read(self, request: Request, view: Any, default: int = DEFAULT_LIMIT) -> None:
        limit_error, offset_error = "Limit must be between 1 and 100", "Offset must be non-negative"
        limit = _whole(request, "limit", default, limit_error)
        if limit < 1 or (limit > MAX_LIMIT and not view.clamps_limit):
            raise ValidationError(limit_error)
        self.limit = min(limit, MAX_LIMIT)
        self.offset = _whole(request, "offset", 0, offset_error)
        if not 0 <= self.offset < MAX_OFFSET:
            raise ValidationError(offset_error)

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"data": data, "pagination": self.summary()})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {"type": "object", "properties": {"data": schema, "pagination": PAGINATION}}

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        return [
            parameter(name, {"type": "integer", "minimum": least})
            for name, least in zip(self.names, (1, 0), strict=True)
        ]

    def summary(self) -> dict[str, int | bool]:
        return {
            "limit": self.limit,
            "offset": self.offset,
            "total": self.total,
            "hasMore": self.offset + self.limit < self.total,
        }


def _whole(request: Request, name: str, default: int, error: str) -> int:
    text = request.query_params.get(name, "")
    if not text:
        return default
    # int() also accepts digits of other scripts, blanks and underscores.
    if not text.isascii() or not text.removeprefix("-").isdigit() or len(text) > 20:
        raise ValidationError(error)
    return int(text)
