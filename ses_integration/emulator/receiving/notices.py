"""Notifications on their way to SNS, which a test can lose, repeat, hold back and shuffle."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from ses_integration.emulator.control.endpoints import InvalidBody

Send = Callable[[], object]


@dataclass(frozen=True)
class Behaviour:
    """What happens to notifications.

    - `drop`: so many of the next ones are lost.
    - `duplicate`: each is sent so many times.
    - `shuffle`: hold all back and send them in another order: when there are so many, or, with `true`, when the behaviour ends.
    - `seed`: which order.
    - `delay`: each is sent so many seconds later.
    - `setup`: SES tests the targets of a rule that is created or changed: it stores an object and sends a notification.
    """

    drop: int = 0
    duplicate: int = 1
    shuffle: int | bool = False
    seed: int = 0
    delay: float = 0
    setup: bool = False


class Notices:
    """Sends at once, unless a test has asked for something else. Thread-safe."""

    def __init__(self) -> None:
        self._behaviour = Behaviour()
        self._dropping = 0
        self._dropped = 0
        self._held: list[Send] = []
        self._timers: list[threading.Timer] = []
        self._random = random.Random(0)  # noqa: S311 - an order that can be repeated
        self._lock = threading.RLock()

    @property
    def sets_up(self) -> bool:
        return self._behaviour.setup

    def send(self, send: Send) -> None:
        """Send a notification, as the behaviour says."""
        with self._lock:
            if self._dropping:
                self._dropping -= 1
                self._dropped += 1
                return
            copies = [send] * self._behaviour.duplicate
            if self._behaviour.shuffle or self._behaviour.delay:
                self._hold(copies)
                return
        for copy in copies:
            copy()

    def shown(self) -> dict[str, Any]:
        """`GET /_notifications`: the behaviour, how many more will be lost, how many are lost, and how many are held back."""
        with self._lock:
            behaviour = {**asdict(self._behaviour), "drop": self._dropping}
            return {**behaviour, "dropped": self._dropped, "held": len(self._held)}

    def change(self, body: Any) -> dict[str, Any]:
        """`POST /_notifications`: replace the behaviour. What is held back stays so."""
        behaviour = _parsed(body)
        with self._lock:
            self._behaviour = behaviour
            self._dropping = behaviour.drop
            self._random = random.Random(behaviour.seed)  # noqa: S311
        return self.shown()

    def end(self) -> dict[str, Any]:
        """`DELETE /_notifications`: return to normal, and send what is held back."""
        with self._lock:
            shuffled = self._behaviour.shuffle
            self._behaviour = Behaviour()
            self._dropping = 0
            for timer in self._timers:
                timer.cancel()
            self._timers.clear()
            held = self._release(shuffled=bool(shuffled))
        for send in held:
            send()
        return self.shown()

    def discard(self) -> None:
        """Return to normal, and forget what is held back."""
        with self._lock:
            self._held.clear()
            self._dropped = 0
            self.end()

    def _hold(self, copies: list[Send]) -> None:
        self._held.extend(copies)
        if self._behaviour.delay:
            timer = threading.Timer(self._behaviour.delay, self._send_later, args=(copies,))
            timer.daemon = True
            self._timers.append(timer)
            timer.start()
        elif self._behaviour.shuffle is not True and len(self._held) >= self._behaviour.shuffle:
            for send in self._release(shuffled=True):
                send()

    def _send_later(self, copies: list[Send]) -> None:
        with self._lock:
            due = [copy for copy in copies if copy in self._held]
            for copy in due:
                self._held.remove(copy)
        for copy in due:
            copy()

    def _release(self, *, shuffled: bool) -> list[Send]:
        held, self._held = self._held, []
        if shuffled:
            self._random.shuffle(held)
        return held


def _parsed(body: Any) -> Behaviour:
    known = set(Behaviour.__dataclass_fields__)
    if not isinstance(body, dict) or set(body) - known:
        raise InvalidBody(f"The body is a JSON object with some of {', '.join(sorted(known))}.")
    for name in ("drop", "duplicate", "seed"):
        if name in body and (isinstance(body[name], bool) or not isinstance(body[name], int) or body[name] < 0):
            raise InvalidBody(f"'{name}' is a whole number from 0.")
    if not isinstance(body.get("shuffle", False), int) or body.get("shuffle", 0) < 0:
        raise InvalidBody("'shuffle' is true, false, or the number of notifications to wait for.")
    delay = body.get("delay", 0)
    if isinstance(delay, bool) or not isinstance(delay, int | float) or not 0 <= delay < 1e6:
        raise InvalidBody("'delay' is a number of seconds from 0.")
    if not isinstance(body.get("setup", False), bool):
        raise InvalidBody("'setup' is true or false.")
    return Behaviour(**body)
