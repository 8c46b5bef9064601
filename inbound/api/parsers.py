"""Parsing of request bodies (docs/api/compatibility.md, "Requests")."""

from __future__ import annotations

import codecs
import json
import math
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

# Far more than any request needs. Django's own limit does not apply to a body that is read as a stream.
SIZE_LIMIT = 1024 * 1024
TOO_LARGE = "Request body is too large."


class ObjectParser(BaseParser):
    """Parse JSON, whatever the content type, as the reference does. A missing body is an empty object.

    Ignores a byte-order mark, as RFC 8259 allows: some editors and Windows tools write one.
    """

    media_type = "*/*"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        content = stream.read(SIZE_LIMIT + 1)
        if len(content) > SIZE_LIMIT:
            raise ParseError(TOO_LARGE)
        try:
            text = codecs.decode(content, "utf-8-sig")
            body = json.loads(text, parse_constant=_refuse, parse_float=_finite) if text.strip() else {}
        except (ValueError, RecursionError) as error:
            raise ParseError("Invalid JSON in request body.") from error
        if not isinstance(body, dict):
            raise ParseError("Request body must be a JSON object.")
        return body


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    """Refuse a number that becomes infinite (`1e999`), which JSON cannot express."""
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)
