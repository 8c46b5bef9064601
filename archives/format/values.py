"""Values in the files of an archive."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def line(values: Mapping[str, Any]) -> bytes:
    """One line of a `.jsonl` file."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def document(values: Mapping[str, Any]) -> bytes:
    """A `.json` file."""
    return json.dumps(values, ensure_ascii=False, indent=2).encode() + b"\n"


def exact(moment: datetime) -> str:
    """ISO 8601 in UTC, with microseconds if there are any, so that an import restores the same time."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def exact_or_none(moment: datetime | None) -> str | None:
    return exact(moment) if moment else None
