"""The state as plain values for JSON, in camelCase."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from backoffice.shell.output import camel_case
from desk.state import wording
from desk.state.values import Finding, Level, State


def as_values(state: State) -> dict[str, Any]:
    """All of it, and the sentence that people read."""
    return {
        "headline": wording.headline(state),
        "isSettled": state.is_settled,
        "needsYou": state.needs_you,
        **_plain(state),
    }


def as_value(finding: Finding) -> dict[str, Any]:
    found: dict[str, Any] = _plain(finding)
    return found


def _plain(value: Any) -> Any:
    match value:
        case Level():
            return value.wire
        case enum.Enum():
            return value.value
        case datetime():
            return value.isoformat()
        case Mapping():
            return {_plain(key): _plain(one) for key, one in value.items()}
        case str():
            return value
        case Sequence():
            return [_plain(one) for one in value]
    if is_dataclass(value):
        return {camel_case(field.name): _plain(getattr(value, field.name)) for field in fields(value)}
    return value
