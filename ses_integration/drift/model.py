"""The values of a drift detection: what is compared, and what is found. Pure: no Django, no AWS."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ses_integration.aws.observed import ObservedRule
from ses_integration.plan.compile import DesiredState, Rule
from ses_integration.plan.resources import RecordedResource, ResourceKind


class Remedy(enum.Enum):
    """What is done about a drift: the sign in front of its line, and what the summary counts it as, in the summary's order."""

    CREATE = ("+", "to create")
    CHANGE = ("~", "to change")
    REMOVE = ("-", "to remove")
    MOVE = ("^", "to move")
    CONFIRM = ("?", "to confirm")
    RETRY = ("*", "pending")
    MANUAL = ("!", "for you to do")
    ADOPT = ("<", "")
    NONE = (" ", "")

    def __init__(self, sign: str, summary: str) -> None:
        self.sign = sign
        self.summary = summary

    @property
    def by_reconcile(self) -> bool:
        """Whether an ordinary pass over the domain does it."""
        return self in (Remedy.CREATE, Remedy.CHANGE, Remedy.REMOVE, Remedy.CONFIRM, Remedy.RETRY)


class DriftKind(enum.Enum):
    """How something in SES differs from what it should be, in the order of reports.

    JSON carries `wire`. People read the sign of the `remedy`, and `lead` before the reason.
    """

    ELSEWHERE = ("elsewhere", Remedy.MANUAL)
    MISSING = ("missing", Remedy.CREATE, "missing")
    EXTRA = ("extra", Remedy.REMOVE)
    DIFFERENT = ("different", Remedy.CHANGE, "different, ")
    DISABLED = ("disabled", Remedy.CHANGE, "disabled")
    OUT_OF_ORDER = ("out of order", Remedy.MOVE, "out of order. ")
    UNCONFIRMED = ("unconfirmed", Remedy.CONFIRM)
    PENDING = ("owed", Remedy.RETRY, "pending: ")
    NOT_ACTIVE = ("not active", Remedy.MANUAL)
    ORPHAN = ("orphan", Remedy.MANUAL)
    KEPT = ("kept", Remedy.NONE)
    REFERENCE = ("reference service", Remedy.ADOPT)
    FOREIGN = ("foreign", Remedy.NONE)

    def __init__(self, wire: str, remedy: Remedy, lead: str = "") -> None:
        self.wire = wire
        self.remedy = remedy
        self.lead = lead


@dataclass(frozen=True, slots=True)
class Drift:
    """One resource that is not as the rows want it, or is not ours.

    `resource` is its type: `rule`, `identity`, `domain`, `rule set` or `ledger of` (a previous scope). `reason` is a phrase.
    A repair would add the recipients in `added` and take away those in `removed`; `recipients` are those of a rule that
    stays as it is. `takes_from` are domains of ours whose mail a foreign rule takes, too, and `takes_everything` says that it
    takes everybody's.

    A rule of the reference service is `adoptable` once our rows receive all of its mail; `to_add` are the recipients that
    are missing. `needed`: our own rules are missing or wrong, so this unmanaged rule may be all that receives their mail.
    """

    kind: DriftKind
    resource: str
    name: str
    domain: str = ""
    reason: str = ""
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    to_add: tuple[str, ...] = ()
    takes_from: tuple[str, ...] = ()
    takes_everything: bool = False
    adoptable: bool = False
    needed: bool = False

    @property
    def intrudes(self) -> bool:
        """Whether a foreign rule gets mail of ours. Only its owner can end that."""
        return self.kind is DriftKind.FOREIGN and (self.takes_everything or bool(self.takes_from))

    @property
    def remedy(self) -> Remedy:
        return Remedy.MANUAL if self.intrudes else self.kind.remedy

    @property
    def is_problem(self) -> bool:
        """Whether SES is not as it should be because of this; otherwise it is information."""
        return self.remedy not in (Remedy.ADOPT, Remedy.NONE)

    @property
    def repairable(self) -> bool:
        """Whether `ses_reconcile --apply` repairs it."""
        return self.remedy is Remedy.MOVE or self.remedy.by_reconcile


@dataclass(frozen=True, slots=True)
class DriftInput:
    """Everything that is compared, as of about one moment.

    `rules`, `identities`, `active` (the rule set that receives mail) and `rule_set_exists` were observed in SES; `desired` and
    `entries` are the desired and the recorded state by domain. `changing` are domains whose ledger has changed since SES was
    asked, so the observation says nothing about them. `recorded_before` is what the ledger had before SES was asked.
    `known_domains` are those that were ever marked dirty. `owners` are the identity tags that were read: the id of an
    installation, or an empty string. `pending` has the reason for each domain that is not up to date, and `elsewhere` the
    number of resources by previous scope.
    """

    rule_set: str
    rule_prefix: str
    bucket: str
    installation: str
    rules: Sequence[ObservedRule]
    identities: frozenset[str]
    desired: Mapping[str, DesiredState]
    entries: Mapping[str, Sequence[RecordedResource]]
    active: str = ""
    rule_set_exists: bool = True
    changing: frozenset[str] = frozenset()
    recorded_before: frozenset[tuple[str, str]] = frozenset()
    known_domains: frozenset[str] = frozenset()
    owners: Mapping[str, str] = field(default_factory=dict)
    pending: Mapping[str, str] = field(default_factory=dict)
    elsewhere: Mapping[str, int] = field(default_factory=dict)

    def recorded(self, kind: ResourceKind) -> dict[tuple[str, str], RecordedResource]:
        """Ledger entries by domain and name."""
        return {
            (domain, entry.name): entry
            for domain, entries in self.entries.items()
            for entry in entries
            if entry.kind is kind
        }

    def desired_rules(self) -> dict[tuple[str, str], Rule]:
        """By domain and name."""
        return {(domain, rule.name): rule for domain, desired in self.desired.items() for rule in desired.rules}

    def desired_identities(self) -> frozenset[str]:
        return frozenset(domain for domain, desired in self.desired.items() if desired.identity)
