"""Input and output of the planner: recorded SES resources, and calls to SES."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from ses_integration.plan.compile import Rule


class ResourceKind(enum.StrEnum):
    RULE = "rule"
    IDENTITY = "identity"


class Presence(enum.StrEnum):
    """Whether a resource exists in SES, according to the last call that got an answer."""

    ABSENT = "absent"
    PRESENT = "present"
    UNKNOWN = "unknown"


class Operation(enum.StrEnum):
    """Kind of an SES call. All but `READ_IDENTITY` change something, so their outcome is unknown until SES answers."""

    CREATE_RULE = "create_rule"
    UPDATE_RULE = "update_rule"
    DELETE_RULE = "delete_rule"
    CREATE_IDENTITY = "create_identity"
    READ_IDENTITY = "read_identity"
    VERIFY_DOMAIN = "verify_domain"
    SET_MAIL_FROM = "set_mail_from"
    DELETE_IDENTITY = "delete_identity"

    @property
    def removes(self) -> bool:
        return self in (Operation.DELETE_RULE, Operation.DELETE_IDENTITY)

    @property
    def is_read(self) -> bool:
        return self is Operation.READ_IDENTITY

    @property
    def adds(self) -> bool:
        """Whether the call leaves a rule or an identity in SES, even if late. `VERIFY_DOMAIN` creates a missing identity."""
        return not self.removes and not self.is_read and self is not Operation.SET_MAIL_FROM


@dataclass(frozen=True, slots=True)
class UnknownOutcome:
    """A call that got no answer. `due`: it can no longer be applied, and must be repeated once.

    `recipients`: what a create or an update sent. `call_id`: its row, which does not matter to a plan.
    """

    operation: Operation
    due: bool
    recipients: frozenset[str] = frozenset()
    call_id: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class RecordedResource:
    """A ledger entry as a plain value.

    `exists` matters only with `Presence.UNKNOWN`: the resource exists, but its contents are not known. `recipients` and
    `digest` come from the last answered call. Only identities have `ours`, `has_verification_token` and `mail_from`.
    `entry_id`: the row of the entry, which does not matter to a plan.
    """

    kind: ResourceKind
    name: str
    presence: Presence
    exists: bool = False
    recipients: frozenset[str] = frozenset()
    digest: str = ""
    ours: bool | None = None
    has_verification_token: bool = False
    mail_from: str = ""
    unknown_outcomes: tuple[UnknownOutcome, ...] = ()
    entry_id: int | None = field(default=None, compare=False)

    @classmethod
    def absent(cls, kind: ResourceKind, name: str) -> RecordedResource:
        """The value for a resource that the ledger does not have."""
        return cls(kind, name, Presence.ABSENT)

    @property
    def key(self) -> tuple[ResourceKind, str]:
        return self.kind, self.name

    @property
    def known_to_exist(self) -> bool:
        return self.presence is Presence.PRESENT or (self.presence is Presence.UNKNOWN and self.exists)

    @property
    def has_due_call(self) -> bool:
        return any(outcome.due for outcome in self.unknown_outcomes)


@dataclass(frozen=True, slots=True)
class Call:
    """A call to make. `rule`: what a create or an update sends. `mail_from`: what `SET_MAIL_FROM` sends."""

    operation: Operation
    kind: ResourceKind
    name: str
    rule: Rule | None = None
    mail_from: str = ""

    @property
    def key(self) -> tuple[ResourceKind, str]:
        return self.kind, self.name
