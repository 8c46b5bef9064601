"""JSON that strangers have written, as plain values. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from archives.format.reading.refusal import damaged

# PostgreSQL takes neither.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def parsed(raw: bytes, name: str) -> dict[str, Any]:
    """The object in `raw`. Raises Refused for everything else, and for what two programs could understand differently."""
    try:
        text = raw.decode()
        found = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
        # An escape may have made one.
        if _UNSTORABLE.search(text) or ("\\u" in text and any(map(_UNSTORABLE.search, _texts(found)))):
            raise ValueError
    except (ValueError, RecursionError) as error:
        raise damaged(name, "has something that is not JSON as inbound writes it") from error
    if not isinstance(found, dict):
        raise damaged(name, "has something that is not JSON as inbound writes it")
    return found


def _texts(value: Any) -> Iterator[str]:
    """All texts in it, names of members included."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str() as text:
                yield text
            case dict() as values:
                waiting += [*values, *values.values()]
            case list() as values:
                waiting += values


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a member twice")
    return values


def _refuse_constant(text: str) -> Any:
    raise ValueError(text)
