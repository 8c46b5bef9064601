"""Values in the JSON that SES writes: of the wrong type they count as missing. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

# PostgreSQL stores neither NUL nor lone surrogates.
_UNSTORABLE = re.compile(r"[\0\ud800-\udfff]")


def storable(text: str) -> str:
    """The text without what PostgreSQL refuses: NUL and lone surrogates."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def object_in(content: dict[str, Any], name: str) -> dict[str, Any]:
    value = content.get(name)
    return value if isinstance(value, dict) else {}


def text_in(content: dict[str, Any], name: str) -> str:
    value = content.get(name)
    return storable(value) if isinstance(value, str) else ""


def texts_in(content: dict[str, Any], name: str) -> list[str]:
    value = content.get(name)
    found = value if isinstance(value, list) else []
    return [storable(item) for item in found if isinstance(item, str)]


def objects_in(content: dict[str, Any], name: str) -> list[dict[str, Any]]:
    value = content.get(name)
    found = value if isinstance(value, list) else []
    return [item for item in found if isinstance(item, dict)]


def time_in(*texts: str) -> datetime | None:
    """The first of the texts that is a time. Without a zone it is in UTC."""
    for text in texts:
        try:
            time = datetime.fromisoformat(text)
            return time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None
