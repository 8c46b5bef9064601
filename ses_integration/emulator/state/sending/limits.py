"""Sandbox, rate and daily quota (Amazon SES Developer Guide, "Managing your Amazon SES sending limits")."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ses_integration.emulator.wire.errors import AwsError

_DAY = 24 * 3600
# What GetAccount says when the rate is not limited. SES has no word for that.
UNLIMITED_RATE = 1000.0
# Amazon SES Developer Guide, "Request production access": the limits of the sandbox.
SANDBOX_RATE, SANDBOX_QUOTA = 1.0, 200


class InvalidLimits(ValueError):
    """The limits are not valid. The message says why."""


@dataclass
class SendingLimits:
    """The limits of each account and region. None: no limit, or that of the sandbox."""

    sandbox: bool = False
    per_second: float | None = None
    per_day: int | None = None
    paused: bool = False

    @property
    def rate(self) -> float | None:
        """Recipients per second."""
        return SANDBOX_RATE if self.sandbox and self.per_second is None else self.per_second

    @property
    def quota(self) -> int | None:
        """Recipients in 24 hours."""
        return SANDBOX_QUOTA if self.sandbox and self.per_day is None else self.per_day

    def change(self, values: object) -> None:
        """Change limits, named as in `as_dict`. Raises InvalidLimits and changes nothing."""
        if not isinstance(values, Mapping) or not values or set(values) - set(_NAMES):
            raise InvalidLimits(f"The body has some of {', '.join(_NAMES)}.")
        for name, value in values.items():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if name in ("sandbox", "paused") and not isinstance(value, bool):
                raise InvalidLimits(f"'{name}' is true or false.")
            if name == "perSecond" and not (value is None or (is_number and 0 < value < 1e6)):
                raise InvalidLimits("'perSecond' is a number above 0, or null.")
            if name == "perDay" and not (value is None or (is_number and value == int(value) and value >= 0)):
                raise InvalidLimits("'perDay' is a whole number from 0, or null.")
        for name, value in values.items():
            setattr(self, _NAMES[name], value)

    def as_dict(self) -> dict[str, Any]:
        """The limits in the format of `GET /_sending`."""
        values = asdict(self)
        return {name: values[attribute] for name, attribute in _NAMES.items()}

    def reset(self) -> None:
        self.change({"sandbox": False, "perSecond": None, "perDay": None, "paused": False})


class SendingUse:
    """How much an account has sent in a region. Not thread-safe: the caller must hold `Ses.lock`.

    SES counts recipients and allows short bursts above the rate. The emulator allows none.
    """

    def __init__(self, limits: SendingLimits, now: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self._now = now
        self._sent: deque[tuple[float, int]] = deque()

    @property
    def sent_in_a_day(self) -> int:
        self._forget()
        return sum(count for _, count in self._sent)

    def count(self, recipients: int, *, v2: bool) -> None:
        """Count a mail. Raises AwsError if that would exceed a limit, and then counts nothing.

        Amazon SES Developer Guide, "Errors related to the sending quotas": the messages. v2 has two codes for them, v1 one.
        """
        rate, quota = self.limits.rate, self.limits.quota
        if quota is not None and self.sent_in_a_day + recipients > quota:
            code = "LimitExceededException" if v2 else "Throttling"
            raise AwsError(code, "Daily message quota exceeded.")
        now = self._now()
        if rate is not None:
            # At most so many recipients in the last second, and one mail at a rate below 1 in a longer time.
            period = max(1.0, 1 / rate)
            lately = 0
            for at, count in reversed(self._sent):
                if now - at >= period:
                    break
                lately += count
            if lately and lately + recipients > rate * period:
                code, status = ("TooManyRequestsException", 429) if v2 else ("Throttling", 400)
                raise AwsError(code, "Maximum sending rate exceeded.", status=status)
        self._sent.append((now, recipients))

    def _forget(self) -> None:
        oldest = self._now() - _DAY
        while self._sent and self._sent[0][0] < oldest:
            self._sent.popleft()


_NAMES = {"sandbox": "sandbox", "perSecond": "per_second", "perDay": "per_day", "paused": "paused"}
