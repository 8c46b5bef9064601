"""Ledger values that the planner reads, and the calls that it returns. Pure: no Django, no AWS."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from ses_integration.plan.compile import Rule


class ResourceKind(enum.StrEnum):
    RULE = "rule"
    IDENTITY = "identity"


class Presence(enum.StrEnum):
    """What the last answered call left in SES."""

    ABSENT = "absent"
    PRESENT = "present"
    UNKNOWN = "unknown"


class Operation(enum.StrEnum):
    """One SES call each, except that `READ_IDENTITY` changes nothing and so leaves no doubt behind."""

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
    def puts(self) -> bool:
        """Whether the call, landing late, would leave something in SES that receives. v1 verification creates, too."""
        return not self.removes and self not in (Operation.READ_IDENTITY, Operation.SET_MAIL_FROM)


@dataclass(frozen=True, slots=True)
class UnknownOutcome:
    """A call that went out and got no answer. `due`: it can no longer land, and must be repeated once more."""

    operation: Operation
    due: bool
    recipients: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RecordedResource:
    """One ledger row as the plan sees it.

    `exists` only says more about `Known.UNKNOWN`: that the thing is there, with contents that we do not know.
    `recipients` are those of the last answered call. The identity's fields mean nothing for a rule.
    """

    kind: ResourceKind
    name: str
    presence: Presence
    exists: bool = False
    recipients: frozenset[str] = frozenset()
    digest: str = ""
    ours: bool | None = None
    has_verification_token: bool = False
    has_mail_from: bool = False
    unknown_outcomes: tuple[UnknownOutcome, ...] = ()

    @property
    def due(self) -> bool:
        return any(outcome.due for outcome in self.unknown_outcomes)


@dataclass(frozen=True, slots=True)
class Call:
    """One call to make. `rule` is what to send for a create or an update."""

    operation: Operation
    kind: ResourceKind
    name: str
    rule: Rule | None = None

    @property
    def key(self) -> tuple[ResourceKind, str]:
        return self.kind, self.name
