"""What is compared, and what comes out of it. Pure: no Django, no AWS."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ses_integration.aws.observed import ObservedRule
from ses_integration.plan.compile import DesiredState
from ses_integration.plan.resources import RecordedResource, ResourceKind


class DriftKind(enum.StrEnum):
    ELSEWHERE = "elsewhere"
    MISSING = "missing"
    EXTRA = "extra"
    DIFFERENT = "different"
    DISABLED = "disabled"
    OUT_OF_ORDER = "out of order"
    UNCONFIRMED = "unconfirmed"
    OWED = "owed"
    NOT_ACTIVE = "not active"
    ORPHAN = "orphan"
    KEPT = "kept"
    REFERENCE = "reference service"
    FOREIGN = "foreign"

    @property
    def drift(self) -> bool:
        """Whether SES is not as it should be, whatever it is about; the others are information."""
        return self not in (DriftKind.KEPT, DriftKind.REFERENCE, DriftKind.FOREIGN)

    @property
    def repaired_by_reconcile(self) -> bool:
        return self in (
            DriftKind.MISSING,
            DriftKind.EXTRA,
            DriftKind.DIFFERENT,
            DriftKind.DISABLED,
            DriftKind.UNCONFIRMED,
            DriftKind.OWED,
        )

    @property
    def repairable(self) -> bool:
        """Whether `ses_reconcile --apply` does something about it."""
        return self is DriftKind.OUT_OF_ORDER or self.repaired_by_reconcile


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing that is not as the rows want it, or not ours.

    `added` and `removed` are the recipients that putting it right would add and remove; `recipients` those of a rule that
    stays as it is; `to_add` those that have to be added to our rows before a rule of the reference service can be adopted.
    `needed`: rules of ours are not as wanted, so this one, which is not in our ledger, may be all that takes their mail.
    `takes_from` are domains of ours whose mail a foreign rule takes as well; `takes_everything`: that of every domain.
    """

    sort: DriftKind
    kind: str
    name: str
    domain: str = ""
    why: str = ""
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
        """Somebody else's rule gets mail of ours, which only whoever made it can end."""
        return self.sort is DriftKind.FOREIGN and (self.takes_everything or bool(self.takes_from))

    @property
    def drift(self) -> bool:
        """Whether SES is not as it should be because of this."""
        return self.sort.drift or self.intrudes


@dataclass(frozen=True, slots=True)
class DriftInput:
    """All that is compared, as of about one moment.

    `moving` are domains whose ledger has changed since SES was asked: of them SES's answer is too old to say anything.
    `was_ours` is what the ledger had before SES was asked. `owners` are the tags of identities that were read: the
    installation's id, or empty for an identity without a tag or none at all. `elsewhere` is how much the ledgers of other
    regions and rule sets still have, by their names.
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
    moving: frozenset[str] = frozenset()
    was_ours: frozenset[tuple[ResourceKind, str]] = frozenset()
    marked: frozenset[str] = frozenset()
    owners: Mapping[str, str] = field(default_factory=dict)
    pending: Mapping[str, str] = field(default_factory=dict)
    elsewhere: Mapping[str, int] = field(default_factory=dict)

    def recorded_of(self, kind: ResourceKind) -> Iterator[RecordedResource]:
        return (entry for entries in self.entries.values() for entry in entries if entry.kind is kind)

    def desired_of(self, domain: str) -> DesiredState:
        return self.desired.get(domain, DesiredState())
