"""Faults to inject into the next matching calls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ses_integration.emulator.wire.calls import Call

REFUSALS = ("throttle", "fail", "access_denied", "error")
SILENCES = ("lost", "dropped", "late")
WAITS = ("delay", "late", "slow_body")
BODIES = ("cut_body", "slow_body")
KINDS = (*REFUSALS, *SILENCES, *BODIES, "delay", "page", "refuse_keys")

_KEYS = {
    *("service", "action", "fault", "times", "skip", "seconds", "code", "message", "status"),
    *("access_key", "keys"),
}


class InvalidFault(ValueError):
    """The fault is not valid. The message says why."""


@dataclass
class Fault:
    """One fault, for `times` matching calls (None: all of them) after the first `skip` calls.

    - `throttle`, `fail`, `access_denied`, `error`: AWS returns an error; the call is not applied.
    - `lost`: applied, then the connection closes without a response.
    - `dropped`: the connection closes without a response; the call is not applied.
    - `page`: not applied; the response is an HTML page, as from a proxy, with `status` or 200.
    - `delay`: applied and answered after `seconds`.
    - `late`: the connection closes at once without a response, and the call is applied after `seconds`.
    - `cut_body`: applied, and the connection closes after half of the answer's body.
    - `slow_body`: applied, and the answer's body takes `seconds`.
    - `refuse_keys`: DeleteObjects keeps the objects whose key ends with one of `keys` (all, if it is empty) and answers 200
      with the error `code` for each of them.

    `access_key`: only calls that are signed with this access key; empty for all.
    """

    kind: str
    service: str
    action: str
    times: int | None
    skip: int
    seconds: float
    code: str
    message: str
    status: int
    access_key: str
    keys: list[str]

    def matches(self, call: Call) -> bool:
        """Whether the fault applies to this call. `*` matches every service or action."""
        if self.kind == "refuse_keys" and call.action != "DeleteObjects":
            return False
        if self.access_key not in ("", call.access_key):
            return False
        return self.service in ("*", call.service) and self.action in ("*", call.action)

    def refuses(self, key: str) -> bool:
        """Whether S3 keeps the object, for a fault of the kind `refuse_keys`."""
        return not self.keys or key.endswith(tuple(self.keys))


def parse_faults(body: object) -> list[Fault]:
    """Parse a JSON body: one fault or a list. Raises InvalidFault if any of them is not valid."""
    if isinstance(body, list):
        return [_parse_one(item) for item in body]
    return [_parse_one(body)]


class Faults:
    """The faults that are not used up, in order. The first one that matches a call applies. Thread-safe."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, faults: Iterable[Fault]) -> None:
        with self._lock:
            self._faults.extend(faults)

    def take(self, call: Call) -> Fault | None:
        """The fault for this call, if any. Counts down `skip` and `times`."""
        with self._lock:
            for fault in self._faults:
                if not fault.matches(call):
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
        """The remaining faults, with the remaining `times` and `skip`."""
        with self._lock:
            return [{"fault": values.pop("kind"), **values} for values in map(asdict, self._faults)]

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()


def _parse_one(item: object) -> Fault:
    if not isinstance(item, Mapping):
        raise InvalidFault("A fault is a JSON object, or a list of them.")
    unknown = set(item) - _KEYS
    if unknown:
        raise InvalidFault(f"Unknown in a fault: {', '.join(sorted(map(str, unknown)))}.")
    kind = item.get("fault")
    if kind not in KINDS:
        raise InvalidFault(f"'fault' is one of {', '.join(sorted(KINDS))}.")
    if kind in WAITS and "seconds" not in item:
        raise InvalidFault(f"'{kind}' needs 'seconds'.")
    if kind in ("error", "refuse_keys") and "code" not in item:
        raise InvalidFault(f"'{kind}' needs 'code'.")
    code = _text(item, "code", "")
    times = _checked(item, "times", 1, "a whole number from 0, or null", _is_count_or_none)
    return Fault(
        kind=str(kind),
        service=_text(item, "service", "*"),
        action=_text(item, "action", "*"),
        times=times or None,
        skip=_checked(item, "skip", 0, "a whole number from 0", _is_count),
        seconds=float(_checked(item, "seconds", 0, "a number from 0", _is_duration)),
        code=code,
        message=_text(item, "message", code),
        status=_status(item, kind),
        access_key=_text(item, "access_key", ""),
        keys=list(_checked(item, "keys", [], "a list of texts", _are_texts)),
    )


def _status(item: Mapping[str, Any], kind: object) -> int:
    lowest = 200 if kind == "page" else 400
    expected = f"an HTTP status from {lowest} to 599"
    return int(
        _checked(item, "status", lowest, expected, lambda value: isinstance(value, int) and lowest <= value <= 599)
    )


def _text(item: Mapping[str, Any], key: str, default: str) -> str:
    return str(_checked(item, key, default, "a text", lambda value: isinstance(value, str)))


def _checked(item: Mapping[str, Any], key: str, default: object, expected: str, holds: Callable[[object], bool]) -> Any:
    value = item.get(key, default)
    if not holds(value):
        raise InvalidFault(f"'{key}' is {expected}.")
    return value


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_count_or_none(value: object) -> bool:
    return value is None or _is_count(value)


def _is_duration(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
