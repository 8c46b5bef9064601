"""How a receiver answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ses_integration.emulator.control.endpoints import InvalidBody

FAULTS = ("reset", "redirect", "endless", "slow_body", "slow_head")

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass
class Behaviour:
    """The answer to the next `times` requests (None: to all of them).

    `delay`: answer after so many seconds. `fault`, instead of a normal answer:

    - `reset`: the connection is reset.
    - `redirect`: 302 to `Location` in `headers`, or to the receiver `<name>-redirected`.
    - `endless`: the body never ends.
    - `slow_body`, `slow_head`: the answer comes byte by byte, and takes an hour.
    """

    status: int = 200
    times: int | None = None
    delay: float = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    fault: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def parse(body: object) -> Behaviour:
    """Raises InvalidBody."""
    known = set(Behaviour.__dataclass_fields__)
    if not isinstance(body, Mapping) or set(body) - known:
        raise InvalidBody(f"The body is a JSON object with some of {', '.join(sorted(known))}.")
    given = {name: value for name, value in body.items() if value is not None}
    for name, (holds, expected) in _CHECKS.items():
        if name in given and not holds(given[name]):
            raise InvalidBody(f"'{name}' is {expected}.")
    return Behaviour(**given)


def _is_whole(value: object, lowest: int, highest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest


def _is_seconds(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 3600


def _are_headers(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        _TOKEN.fullmatch(name) and isinstance(text, str) and text.isprintable() and text.isascii()
        for name, text in value.items()
    )


_CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "status": (lambda value: _is_whole(value, 200, 599), "an HTTP status from 200 to 599"),
    "times": (lambda value: _is_whole(value, 1, 10**9), "a whole number from 1, or null for all requests"),
    "delay": (_is_seconds, "a number of seconds from 0 to 3600"),
    "headers": (_are_headers, "an object of header names and ASCII texts"),
    "body": (lambda value: isinstance(value, str), "a text"),
    "fault": (lambda value: value in FAULTS, f"one of {', '.join(FAULTS)}"),
}
