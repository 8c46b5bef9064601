"""Simulate a reconcile pass in memory, assuming that SES carries out every call. For deletion plans."""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Self

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
    """When a call is made. The values are part of the API."""

    NOW = "now"
    # The answer to an earlier call decides whether it is made.
    DEPENDS = "depends"
    # Once an earlier call without an answer can no longer be applied.
    AFTER_SETTLING = "settled"


TIMING_CLAUSES = {
    CallTiming.NOW: "",
    CallTiming.DEPENDS: ", depending on the answer to the call before it",
    CallTiming.AFTER_SETTLING: ", once an earlier unanswered call can no longer take effect",
}


class IdentityOutcome(enum.StrEnum):
    """What happens to the identity when nothing is desired any more. The values are part of the API.

    `NONE`: SES is known to hold no identity.
    """

    DELETED = "deleted"
    KEPT = "kept"
    UNKNOWN = "unknown"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ForecastCall:
    """A call to the AWS operation `action` for the rule or identity `name`."""

    action: str
    name: str
    when: CallTiming

    def __str__(self) -> str:
        """The call for people: `DeleteEmailIdentity example.com, depending on the answer to the call before it`."""
        return f"{self.action} {self.name}{TIMING_CLAUSES[self.when]}"


@dataclass(frozen=True, slots=True)
class RuleChange:
    """Sorted recipients of a rule before and after. None: there is no rule.

    `before`: after the last answered call. `may_add`: in-flight calls may still add these. `confirmed`: SES is known to hold
    exactly `before`. `others`: recipients that the owner must not see were left out.
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

    def carries(self, recipients: Collection[str]) -> bool:
        """Whether the rule has one of these recipients, or may still get it."""
        return not {*(self.before or ()), *self.may_add}.isdisjoint(recipients)


@dataclass(frozen=True, slots=True)
class Forecast:
    """Result of a simulation.

    `waiting`: names of the resources whose calls wait for an earlier call to settle. `problems`: sentences about what else
    SES may hold for the name.
    """

    rules: tuple[RuleChange, ...]
    identity: IdentityOutcome
    calls: tuple[ForecastCall, ...]
    waiting: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    def concerning(self, recipients: Collection[str]) -> Self:
        """The forecast without unchanged rules that carry none of these recipients."""
        return replace(self, rules=tuple(rule for rule in self.rules if rule.changes or rule.carries(recipients)))

    @property
    def due(self) -> tuple[ForecastCall, ...]:
        return tuple(call for call in self.calls if call.when is not CallTiming.AFTER_SETTLING)

    @property
    def certain(self) -> bool:
        """Whether SES's contents are known and exactly these calls will be made."""
        known = all(rule.confirmed for rule in self.rules) and not self.problems
        return known and not self.waiting and all(call.when is CallTiming.NOW for call in self.calls)


def simulate(domain: str, desired: DesiredState, resources: Iterable[RecordedResource]) -> Forecast:
    """Simulate the calls that lead from the recorded `resources` of one domain name to its desired state."""
    before = {resource.key: resource for resource in resources}
    recorded = dict(before)
    calls = _run(domain, desired, recorded, CallTiming.NOW)
    waiting = tuple(call.name for call in plan(domain, desired, recorded.values()).deferred)
    for key, resource in recorded.items():
        due = tuple(replace(outcome, due=True) for outcome in resource.unknown_outcomes)
        recorded[key] = replace(resource, unknown_outcomes=due)
    calls += _run(domain, desired, recorded, CallTiming.AFTER_SETTLING)
    return Forecast(
        rules=_rule_changes(desired, before.values()),
        identity=_identity_outcome(before.get((ResourceKind.IDENTITY, domain)), calls),
        calls=tuple(calls),
        waiting=waiting,
    )


def _run(
    domain: str, desired: DesiredState, recorded: dict[tuple[ResourceKind, str], RecordedResource], when: CallTiming
) -> list[ForecastCall]:
    """Make calls until none is left, and update `recorded` with their results."""
    made: list[ForecastCall] = []
    identity_was_read = False
    while calls := plan(domain, desired, recorded.values()).calls:
        call = calls[0]
        depends = when is CallTiming.NOW and identity_was_read and call.kind is ResourceKind.IDENTITY
        made.append(ForecastCall(ACTIONS[call.operation], call.name, CallTiming.DEPENDS if depends else when))
        identity_was_read = identity_was_read or call.operation is Operation.READ_IDENTITY
        recorded[call.key] = _after(call, recorded.get(call.key, RecordedResource.absent(*call.key)))
    return made


def _after(call: Call, resource: RecordedResource) -> RecordedResource:
    """The resource after SES has carried out `call` (docs/architecture/protocol.md, "Record the answer")."""
    not_settled = tuple(outcome for outcome in resource.unknown_outcomes if not outcome.due)
    is_missing = call.operation is Operation.READ_IDENTITY and resource.presence is Presence.ABSENT
    if call.operation.removes or is_missing:
        return replace(RecordedResource.absent(*resource.key), unknown_outcomes=not_settled)
    present = replace(resource, presence=Presence.PRESENT, exists=True, unknown_outcomes=not_settled)
    match call.operation:
        case Operation.VERIFY_DOMAIN:
            return replace(present, has_verification_token=True)
        case Operation.SET_MAIL_FROM:
            return replace(present, mail_from=call.mail_from)
        case Operation.CREATE_IDENTITY:
            return replace(present, ours=True, has_verification_token=False, mail_from="")
        case Operation.READ_IDENTITY:
            # Assume the answer with more calls to follow: an identity of ours is also set up or deleted.
            return replace(present, ours=True if resource.ours is None else resource.ours)
    if call.rule is None:
        return present
    return replace(present, recipients=call.rule.recipients, digest=call.rule.digest)


def _rule_changes(desired: DesiredState, resources: Iterable[RecordedResource]) -> tuple[RuleChange, ...]:
    recorded = {resource.name: resource for resource in resources if resource.kind is ResourceKind.RULE}
    after = {rule.name: tuple(sorted(rule.recipients)) for rule in desired.rules}
    changes = []
    for name in sorted(recorded.keys() | after.keys()):
        resource = recorded.get(name, RecordedResource.absent(ResourceKind.RULE, name))
        is_absent = resource.presence is Presence.ABSENT
        if is_absent and not resource.unknown_outcomes and name not in after:
            continue
        in_flight = frozenset[str]().union(
            *(outcome.recipients for outcome in resource.unknown_outcomes if outcome.operation.adds)
        )
        changes.append(
            RuleChange(
                name=name,
                before=None if is_absent else tuple(sorted(resource.recipients)),
                after=after.get(name),
                confirmed=resource.presence is not Presence.UNKNOWN and not resource.unknown_outcomes,
                may_add=tuple(sorted(in_flight - resource.recipients)),
            )
        )
    return tuple(changes)


def _identity_outcome(identity: RecordedResource | None, calls: Iterable[ForecastCall]) -> IdentityOutcome:
    """What these calls do to an identity that is no longer desired."""
    if identity is None or (identity.presence is Presence.ABSENT and not identity.unknown_outcomes):
        return IdentityOutcome.NONE
    timing = {call.action: call.when for call in calls if call.name == identity.name}
    is_read = ACTIONS[Operation.READ_IDENTITY] in timing
    deletion = timing.get(ACTIONS[Operation.DELETE_IDENTITY])
    if is_read and deletion is not CallTiming.NOW:
        return IdentityOutcome.UNKNOWN
    if deletion is not None:
        return IdentityOutcome.DELETED
    return IdentityOutcome.KEPT if identity.presence is Presence.PRESENT else IdentityOutcome.UNKNOWN
