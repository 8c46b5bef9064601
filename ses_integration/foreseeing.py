"""What SES will be asked and what it will hold, if rows change and it answers every call. Pure: no Django, no AWS."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ses_integration.compiling import Wanted
from ses_integration.planning import Call, Entry, Kind, Known, Operation, plan

ACTIONS = {
    Operation.CREATE_RULE: "CreateReceiptRule",
    Operation.UPDATE_RULE: "UpdateReceiptRule",
    Operation.DELETE_RULE: "DeleteReceiptRule",
    Operation.CREATE_IDENTITY: "CreateEmailIdentity",
    Operation.READ_IDENTITY: "GetEmailIdentity",
    Operation.VERIFY_DOMAIN: "VerifyDomainIdentity",
    Operation.SET_MAIL_FROM: "SetIdentityMailFromDomain",
    Operation.DELETE_IDENTITY: "DeleteEmailIdentity",
}


class When(enum.StrEnum):
    NOW = "now"
    # It turns on what a call before it will tell.
    DEPENDS = "depends"
    # An earlier call got no answer, and may be applied until then.
    SETTLED = "settled"


class Fate(enum.StrEnum):
    """What becomes of the identity. `NONE`: SES is known to hold none."""

    DELETED = "deleted"
    KEPT = "kept"
    UNKNOWN = "unknown"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ForeseenCall:
    """`action` as AWS calls it, about the rule or identity `name`."""

    action: str
    name: str
    when: When


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A rule's recipients, in order; None where there is no rule.

    `before` is what the last answered call left, and `in_doubt` what a call without an answer may add to it. Only where
    `confirmed` is it known that SES holds exactly that. `after` is what the rows want. `others`: the two are without
    some that are not for the owner to see.
    """

    name: str
    before: tuple[str, ...] | None
    after: tuple[str, ...] | None
    confirmed: bool = True
    in_doubt: tuple[str, ...] = ()
    others: bool = False

    @property
    def changes(self) -> bool:
        return self.before != self.after or not self.confirmed or self.others


@dataclass(frozen=True, slots=True)
class Foreseen:
    """`waiting` are the rules and identities that a call must not touch before an earlier one has settled.

    `problems`: sentences about what else SES may hold for the name, which the rest does not tell.
    """

    rules: tuple[RuleChange, ...]
    identity: Fate
    calls: tuple[ForeseenCall, ...]
    waiting: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def due(self) -> tuple[ForeseenCall, ...]:
        return tuple(call for call in self.calls if call.when is not When.SETTLED)

    @property
    def certain(self) -> bool:
        """Whether SES's side is known, and the calls are exactly these."""
        known = all(rule.confirmed for rule in self.rules) and not self.problems
        return known and not self.waiting and all(call.when is When.NOW for call in self.calls)


def foresee(domain: str, wanted: Wanted, entries: Iterable[Entry]) -> Foreseen:
    """From the ledger's `entries` of one domain name to what is `wanted`, the way that convergence takes."""
    before = {(entry.kind, entry.name): entry for entry in entries}
    known = dict(before)
    calls = _run(domain, wanted, known, When.NOW)
    waiting = tuple(call.name for call in plan(domain, wanted, known.values()).held_back)
    for key, entry in known.items():
        known[key] = replace(entry, doubts=tuple(replace(doubt, due=True) for doubt in entry.doubts))
    calls += _run(domain, wanted, known, When.SETTLED)
    return Foreseen(
        rules=_rules(wanted, before.values()),
        identity=_fate(before.get((Kind.IDENTITY, domain)), calls),
        calls=tuple(calls),
        waiting=waiting,
    )


def _run(domain: str, wanted: Wanted, known: dict[tuple[Kind, str], Entry], when: When) -> list[ForeseenCall]:
    """The calls until nothing is due, with `known` as their answers leave it."""
    made: list[ForeseenCall] = []
    told = False
    while work := plan(domain, wanted, known.values()).calls:
        call = work[0]
        depends = when is When.NOW and told and call.kind is Kind.IDENTITY
        made.append(ForeseenCall(ACTIONS[call.operation], call.name, When.DEPENDS if depends else when))
        entry = known.get(call.key, Entry(call.kind, call.name, Known.ABSENT))
        told = told or call.operation is Operation.READ_IDENTITY
        known[call.key] = _answered(entry, call)
    return made


def _answered(entry: Entry, call: Call) -> Entry:
    """The entry after a call that SES carried out (protocol 2, T3)."""
    settled = tuple(doubt for doubt in entry.doubts if not doubt.due)
    gone = call.operation is Operation.READ_IDENTITY and entry.known is Known.ABSENT
    if call.operation.removes or gone:
        return Entry(entry.kind, entry.name, Known.ABSENT, doubts=settled)
    there = replace(entry, known=Known.PRESENT, exists=True, doubts=settled)
    match call.operation:
        case Operation.VERIFY_DOMAIN:
            return replace(there, has_verification_token=True)
        case Operation.SET_MAIL_FROM:
            return replace(there, has_mail_from=True)
        case Operation.CREATE_IDENTITY:
            return replace(there, ours=True, has_verification_token=False, has_mail_from=False)
        case Operation.READ_IDENTITY:
            # The longer way: if it is ours, there is more to do.
            return replace(there, ours=True if entry.ours is None else entry.ours)
    if call.rule is None:
        return there
    return replace(there, recipients=call.rule.recipients, digest=call.rule.digest)


def _rules(wanted: Wanted, entries: Iterable[Entry]) -> tuple[RuleChange, ...]:
    known = {entry.name: entry for entry in entries if entry.kind is Kind.RULE}
    after = {rule.name: tuple(sorted(rule.recipients)) for rule in wanted.rules}
    changes = []
    for name in sorted(known.keys() | after.keys()):
        entry = known.get(name, Entry(Kind.RULE, name, Known.ABSENT))
        there = entry.known is not Known.ABSENT
        if not there and not entry.doubts and name not in after:
            continue
        coming = frozenset[str]().union(*(doubt.recipients for doubt in entry.doubts if doubt.operation.puts))
        changes.append(
            RuleChange(
                name=name,
                before=tuple(sorted(entry.recipients)) if there else None,
                after=after.get(name),
                confirmed=entry.known is not Known.UNKNOWN and not entry.doubts,
                in_doubt=tuple(sorted(coming - entry.recipients)),
            )
        )
    return tuple(changes)


def _fate(entry: Entry | None, calls: Iterable[ForeseenCall]) -> Fate:
    """Of an identity that is wanted no more."""
    made = {call.action: call.when for call in calls if entry is not None and call.name == entry.name}
    if entry is None or (entry.known is Known.ABSENT and not entry.doubts):
        return Fate.NONE
    if ACTIONS[Operation.READ_IDENTITY] in made and made.get(ACTIONS[Operation.DELETE_IDENTITY]) is not When.NOW:
        return Fate.UNKNOWN
    if ACTIONS[Operation.DELETE_IDENTITY] in made:
        return Fate.DELETED
    return Fate.KEPT if entry.known is Known.PRESENT else Fate.UNKNOWN
