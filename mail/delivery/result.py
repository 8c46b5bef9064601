"""What an attempt at a delivery came to: plain values, which decide what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    DELIVERED = "delivered"
    # Tried again by the schedule.
    FAILED = "failed"
    # The endpoint wants no mail any more (410).
    GONE = "gone"
    # It can never succeed.
    DEAD = "dead"
    # Nothing was attempted, or there is more to do. This spends no attempt.
    POSTPONED = "postponed"
    # The delivery is not this process's any more, or must not be made.
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one attempt.

    `response`: `responseData` of the API. `retry_after`: seconds that the endpoint has asked for, or after which a postponed
    delivery goes on. `problem`: why it has failed or waits, as a sentence. `excerpt`: the beginning of the answer, at most 2,000
    characters. `body_digest`: SHA-256 of the body that was sent, empty without one.
    """

    kind: Kind
    response: dict[str, Any] = field(default_factory=dict)
    status_code: int | None = None
    problem: str = ""
    excerpt: str = ""
    seconds: float | None = None
    retry_after: float | None = None
    body_digest: str = ""
