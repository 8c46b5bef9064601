"""Misbehaviour to order: what the next calls of a kind shall meet."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

REFUSALS = ("throttle", "fail", "access_denied", "error")
SILENCES = ("lost", "dropped", "late")
WAITS = ("delay", "late")
KINDS = (*REFUSALS, *SILENCES, "delay", "page")

_KEYS = {"service", "action", "fault", "times", "skip", "seconds", "code", "message", "status"}


class InvalidFault(ValueError):
    """The order cannot be understood; the sentence says why."""


@dataclass
class Fault:
    """One order.

    - `throttle`, `fail`, `access_denied`, `error`: refused and not applied.
    - `lost`: applied, then the connection closes without an answer.
    - `dropped`: the connection closes without an answer and nothing is applied.
    - `page`: not applied; a proxy in between answers with a page of HTML, and with 200 if no `status` is given.
    - `delay`: applied and answered, but only `seconds` later.
    - `late`: the connection closes at once without an answer, and the call is applied `seconds` later: it lands after
      its sender has given up.
    """

    fault: str
    service: str
    action: str
    times: int | None
    skip: int
    seconds: float
    code: str
    message: str
    status: int

    def matches(self, service: str, action: str) -> bool:
        """Whether a call is one of those that were meant."""
        return self.service in ("*", service) and self.action in ("*", action)


def parse(order: object) -> list[Fault]:
    """The faults that a JSON body orders: one object, or a list of them. All of it is valid, or nothing is taken."""
    if isinstance(order, list):
        return [_parse_one(item) for item in order]
    return [_parse_one(order)]


class Faults:
    """The orders that are still open, in their order: the first that matches a call is the one that is used up."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, faults: Iterable[Fault]) -> None:
        """Append them."""
        with self._lock:
            self._faults.extend(faults)

    def take(self, service: str, action: str) -> Fault | None:
        """The fault that this call meets. One that lets its first calls pass counts them here."""
        with self._lock:
            for fault in self._faults:
                if not fault.matches(service, action):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                if fault.times is not None:
                    fault.times -= 1
                    if not fault.times:
                        self._faults.remove(fault)
                return fault
        return None

    def listed(self) -> list[dict[str, Any]]:
        """What is still open, with what is left of `times` and `skip`."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def clear(self) -> None:
        """Behave again."""
        with self._lock:
            self._faults.clear()


def _parse_one(order: object) -> Fault:
    if not isinstance(order, Mapping):
        raise InvalidFault("A fault is a JSON object, or a list of them.")
    unknown = set(order) - _KEYS
    if unknown:
        raise InvalidFault(f"Unknown in a fault: {', '.join(sorted(map(str, unknown)))}.")
    kind = order.get("fault")
    if kind not in KINDS:
        raise InvalidFault(f"'fault' is one of {', '.join(sorted(KINDS))}.")
    if kind in WAITS and "seconds" not in order:
        raise InvalidFault(f"'{kind}' needs 'seconds'.")
    if kind == "error" and "code" not in order:
        raise InvalidFault("'error' needs 'code'.")
    code = _text(order, "code", "")
    times = _checked(order, "times", 1, "a whole number from 0, or null", _is_count_or_none)
    return Fault(
        fault=str(kind),
        service=_text(order, "service", "*"),
        action=_text(order, "action", "*"),
        times=times or None,
        skip=_checked(order, "skip", 0, "a whole number from 0", _is_count),
        seconds=float(_checked(order, "seconds", 0, "a number from 0", _is_duration)),
        code=code,
        message=_text(order, "message", code),
        status=_status(order, kind),
    )


def _status(order: Mapping[str, Any], kind: object) -> int:
    lowest = 200 if kind == "page" else 400
    expected = f"an HTTP status from {lowest} to 599"
    return int(
        _checked(order, "status", lowest, expected, lambda value: isinstance(value, int) and lowest <= value <= 599)
    )


def _text(order: Mapping[str, Any], key: str, default: str) -> str:
    return str(_checked(order, key, default, "a text", lambda value: isinstance(value, str)))


def _checked(
    order: Mapping[str, Any], key: str, default: object, expected: str, holds: Callable[[object], bool]
) -> Any:
    value = order.get(key, default)
    if not holds(value):
        raise InvalidFault(f"'{key}' is {expected}.")
    return value


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_count_or_none(value: object) -> bool:
    return value is None or _is_count(value)


def _is_duration(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")
