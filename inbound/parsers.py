from __future__ import annotations

import codecs
import json
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser


class ObjectParser(BaseParser):
    """JSON whatever the content type says, as the reference does; no body at all is an empty object (api-v2 1.1)."""

    media_type = "*/*"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        try:
            text = codecs.decode(stream.read(), "utf-8")
            body = json.loads(text, parse_constant=_refuse) if text.strip() else {}
        except (ValueError, RecursionError) as error:
            raise ParseError("Invalid JSON in request body.") from error
        if not isinstance(body, dict):
            raise ParseError("Request body must be a JSON object.")
        return body


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
