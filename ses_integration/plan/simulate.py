"""What SES will be asked and what it will hold, if rows change and it answers every call. Pure: no Django, no AWS."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ses_integration.plan.compile import DesiredState
from ses_integration.plan.diff import plan
from ses_integration.plan.resources import Call, Operation, Presence, RecordedResource, ResourceKind

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


class CallTiming(enum.StrEnum):
    NOW = "now"
    # It turns on what a call before it will tell.
    DEPENDS = "depends"
    # An earlier call got no answer, and may be applied until then.
    SETTLED = "settled"


class IdentityOutcome(enum.StrEnum):
    """What becomes of the identity. `NONE`: SES is known to hold none."""

    DELETED = "deleted"
    KEPT = "kept"
    UNKNOWN = "unknown"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ForecastCall:
    """`action` as AWS calls it, about the rule or identity `name`."""

    action: str
    name: str
    when: CallTiming


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
    may_add: tuple[str, ...] = ()
    others: bool = False

    @property
    def changes(self) -> bool:
        return self.before != self.after or not self.confirmed or self.others


@dataclass(frozen=True, slots=True)
class Forecast:
    """`waiting` are the rules and identities that a call must not touch before an earlier one has settled.

    `problems`: sentences about what else SES may hold for the name, which the rest does not tell. `seconds` is how long the
    calls that are due take at the configured rate, and `problem` a sentence that says why the present settings forbid them.
    """

    rules: tuple[RuleChange, ...]
    identity: IdentityOutcome
    calls: tuple[ForecastCall, ...]
    waiting: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    seconds: float = 0.0
    problem: str = ""

    @property
    def due(self) -> tuple[ForecastCall, ...]:
        return tuple(call for call in self.calls if call.when is not CallTiming.SETTLED)

    @property
    def certain(self) -> bool:
        """Whether SES's side is known, and the calls are exactly these."""
        known = all(rule.confirmed for rule in self.rules) and not self.problems
        return known and not self.waiting and all(call.when is CallTiming.NOW for call in self.calls)


def simulate(domain: str, desired: DesiredState, entries: Iterable[RecordedResource]) -> Forecast:
    """From the ledger's `entries` of one domain name to what is `wanted`, the way that convergence takes."""
    before = {(entry.kind, entry.name): entry for entry in entries}
    known = dict(before)
    calls = _run(domain, desired, known, CallTiming.NOW)
    waiting = tuple(call.name for call in plan(domain, desired, known.values()).deferred)
    for key, entry in known.items():
        known[key] = replace(
            entry, unknown_outcomes=tuple(replace(outcome, due=True) for outcome in entry.unknown_outcomes)
        )
    calls += _run(domain, desired, known, CallTiming.SETTLED)
    return Forecast(
        rules=_rules(desired, before.values()),
        identity=_fate(before.get((ResourceKind.IDENTITY, domain)), calls),
        calls=tuple(calls),
        waiting=waiting,
    )


def _run(
    domain: str, desired: DesiredState, known: dict[tuple[ResourceKind, str], RecordedResource], when: CallTiming
) -> list[ForecastCall]:
    """The calls until nothing is due, with `known` as their answers leave it."""
    made: list[ForecastCall] = []
    told = False
    while work := plan(domain, desired, known.values()).calls:
        call = work[0]
        depends = when is CallTiming.NOW and told and call.kind is ResourceKind.IDENTITY
        made.append(ForecastCall(ACTIONS[call.operation], call.name, CallTiming.DEPENDS if depends else when))
        entry = known.get(call.key, RecordedResource(call.kind, call.name, Presence.ABSENT))
        told = told or call.operation is Operation.READ_IDENTITY
        known[call.key] = _answered(entry, call)
    return made


def _answered(entry: RecordedResource, call: Call) -> RecordedResource:
    """The entry after a call that SES carried out (docs/architecture/protocol.md, "Record the answer")."""
    settled = tuple(outcome for outcome in entry.unknown_outcomes if not outcome.due)
    gone = call.operation is Operation.READ_IDENTITY and entry.presence is Presence.ABSENT
    if call.operation.removes or gone:
        return RecordedResource(entry.kind, entry.name, Presence.ABSENT, unknown_outcomes=settled)
    there = replace(entry, presence=Presence.PRESENT, exists=True, unknown_outcomes=settled)
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


def _rules(desired: DesiredState, entries: Iterable[RecordedResource]) -> tuple[RuleChange, ...]:
    known = {entry.name: entry for entry in entries if entry.kind is ResourceKind.RULE}
    after = {rule.name: tuple(sorted(rule.recipients)) for rule in desired.rules}
    changes = []
    for name in sorted(known.keys() | after.keys()):
        entry = known.get(name, RecordedResource(ResourceKind.RULE, name, Presence.ABSENT))
        there = entry.presence is not Presence.ABSENT
        if not there and not entry.unknown_outcomes and name not in after:
            continue
        coming = frozenset[str]().union(
            *(outcome.recipients for outcome in entry.unknown_outcomes if outcome.operation.puts)
        )
        changes.append(
            RuleChange(
                name=name,
                before=tuple(sorted(entry.recipients)) if there else None,
                after=after.get(name),
                confirmed=entry.presence is not Presence.UNKNOWN and not entry.unknown_outcomes,
                may_add=tuple(sorted(coming - entry.recipients)),
            )
        )
    return tuple(changes)


def _fate(entry: RecordedResource | None, calls: Iterable[ForecastCall]) -> IdentityOutcome:
    """Of an identity that is wanted no more."""
    made = {call.action: call.when for call in calls if entry is not None and call.name == entry.name}
    if entry is None or (entry.presence is Presence.ABSENT and not entry.unknown_outcomes):
        return IdentityOutcome.NONE
    if ACTIONS[Operation.READ_IDENTITY] in made and made.get(ACTIONS[Operation.DELETE_IDENTITY]) is not CallTiming.NOW:
        return IdentityOutcome.UNKNOWN
    if ACTIONS[Operation.DELETE_IDENTITY] in made:
        return IdentityOutcome.DELETED
    return IdentityOutcome.KEPT if entry.presence is Presence.PRESENT else IdentityOutcome.UNKNOWN
