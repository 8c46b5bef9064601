"""Values that the parts of a pass exchange: its state, the next step, and the answer to a call."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from ses_integration.aws.observed import ObservedIdentity
from ses_integration.conf import SesConfig
from ses_integration.coordination.lease import HeldLease
from ses_integration.errors import SesError
from ses_integration.plan.resources import Call, RecordedResource, ResourceKind
from ses_integration.reconcile.snapshot import Snapshot


@dataclass(slots=True)
class PassState:
    """State of one pass over one domain.

    Without a lease, the first step takes it and replaces `domain` by the one that is next in the queue. `failed`: resources
    whose calls failed in this pass, and why. `batched_generation`: the last generation that the pass has planned.
    `has_waited`: it has waited for more changes or for a slot. `has_called`: it has sent a call. `rule_set_full`: SES has no
    room for another rule.
    """

    config: SesConfig
    domain: str
    held: HeldLease | None = None
    failed: dict[tuple[ResourceKind, str], SesError] = field(default_factory=dict)
    batched_generation: int | None = None
    has_waited: bool = False
    has_called: bool = False
    rule_set_full: bool = False

    @property
    def holder(self) -> HeldLease:
        """The lease. Raises ValueError before the first step."""
        if self.held is None:
            raise ValueError("The pass has no lease yet.")
        return self.held


@dataclass(frozen=True, slots=True)
class Settled:
    """SES is known to hold what the rows say, up to `generation`. The lease has been given back.

    `in_flight`: a call without an answer is still to be repeated once it is due.
    """

    generation: int
    in_flight: bool = False


@dataclass(frozen=True, slots=True)
class Blocked:
    """All calls that are left for `generation` have failed in this pass or are deferred until `until`."""

    generation: int
    until: datetime | None


@dataclass(frozen=True, slots=True)
class NameConflict:
    """The ledger has the resource of this call under another domain, so it must not be touched."""

    call: Call


@dataclass(frozen=True, slots=True)
class Locked:
    """Another transaction is changing the domain and has not committed yet."""


@dataclass(frozen=True, slots=True)
class LeaseTaken:
    """Another process has the lease."""


@dataclass(frozen=True, slots=True)
class Yield:
    """Other domains wait, and this one has changed again or has a long plan, so it went to the end of the queue."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for `seconds` and plan again: for a slot of the rate limit, to batch changes, or because too little time is left.

    `generation`: the latest one, set only to batch changes.
    """

    seconds: float
    generation: int | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """A call that was written down and may be sent once, before `send_by`, a value of `time.monotonic()`.

    `snapshot`: what it was planned from. `account`: the AWS account that the ledger describes. `resource`: the resource before
    the call. `clears`: in-flight calls of it that were due when the intent was written. The call's success clears them.
    """

    call: Call
    snapshot: Snapshot
    account: str
    resource: RecordedResource
    entry_id: int
    in_flight_id: int | None
    clears: tuple[int, ...]
    send_by: float

    @property
    def generation(self) -> int:
        return self.snapshot.generation


Step = Settled | Blocked | NameConflict | Locked | LeaseTaken | Yield | Wait | Intent


@dataclass(frozen=True, slots=True)
class Answer:
    """Result of a call: an error or None, and what an identity call returned."""

    error: SesError | None = None
    identity: ObservedIdentity | None = None
    token: str = ""
    mail_from: str = ""
    mail_from_status: str = "Pending"


@dataclass(frozen=True, slots=True)
class Answered:
    """A call that was sent, and its answer."""

    intent: Intent
    answer: Answer
