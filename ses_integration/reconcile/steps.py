"""What a pass over a domain is told to do next (T2), and what came of it (for T3), as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ses_integration.aws.gateway import ObservedIdentity
from ses_integration.errors import SesError
from ses_integration.plan.resources import Call


@dataclass(frozen=True, slots=True)
class Settled:
    """SES is known to hold what the rows say, up to the generation that was read."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """What is left of `generation` has failed in this pass or is held back, the latter until `until`."""

    generation: int
    until: datetime | None


@dataclass(frozen=True, slots=True)
class NameConflict:
    """The name that this call is about is in the ledger of another domain, whose rule must not be touched."""

    call: Call


@dataclass(frozen=True, slots=True)
class Locked:
    """Somebody is changing the domain's rows at this moment, and has not committed."""


@dataclass(frozen=True, slots=True)
class Yield:
    """The domain keeps changing, or has much left to do, and others wait: it goes to the end of the queue."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing was written down: `seconds` to go to the next free slot, or to gather changes up to `generation` and more."""

    seconds: float
    generation: int | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """One call that may now be sent, once, before `send_by` (of `time.monotonic()`)."""

    call: Call
    entry_id: int
    in_flight_id: int | None
    settles: tuple[int, ...]
    generation: int
    send_by: float


Step = Settled | Blocked | NameConflict | Locked | Yield | Wait | Intent


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: an error of ours or none, and what an identity call told."""

    error: SesError | None = None
    identity: ObservedIdentity | None = None
    token: str = ""
    mail_from: str = ""
    mail_from_status: str = "Pending"
