"""From what SES should hold and what we know that it holds to the calls that make them equal. Pure: no Django, no AWS."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ses_integration.plan.compile import DesiredState, Rule
from ses_integration.plan.resources import Call, Operation, Presence, RecordedResource, ResourceKind


@dataclass(frozen=True, slots=True)
class Put:
    """A create or an update of `rule`, which is known to have the recipients `held` until then."""

    call: Call
    rule: Rule
    held: frozenset[str]


@dataclass(frozen=True, slots=True)
class Plan:
    """The calls in the order in which they are due, what has to wait for an older call to settle, and what may be forgotten."""

    calls: tuple[Call, ...] = ()
    deferred: tuple[Call, ...] = ()
    forget: tuple[tuple[ResourceKind, str], ...] = ()

    @property
    def settled(self) -> bool:
        return not self.calls and not self.deferred


def plan(domain: str, desired: DesiredState, entries: Iterable[RecordedResource], *, full: bool = False) -> Plan:
    """Onboarding: identity, then rules, new before old. Teardown: rules, then identity.

    See docs/architecture/protocol.md, "Order of the calls".

    `full`: SES has no room for a further rule, so what goes has to make room for what replaces it.
    """
    known = {(entry.kind, entry.name): entry for entry in entries}
    identity = known.get(
        (ResourceKind.IDENTITY, domain), RecordedResource(ResourceKind.IDENTITY, domain, Presence.ABSENT)
    )
    identity_call = _present_identity(identity) if desired.identity else _absent_identity(identity)

    puts: list[Put] = []
    for rule in desired.rules:
        entry = known.get(
            (ResourceKind.RULE, rule.name), RecordedResource(ResourceKind.RULE, rule.name, Presence.ABSENT)
        )
        if call := _put_rule(rule, entry):
            puts.append(Put(call, rule, entry.recipients))
    pending = [put.rule for put in puts]
    needless = [rule.recipients for rule in desired.rules if rule not in pending]
    calls, waiting = _without_a_gap(puts, frozenset().union(*needless))

    removals: list[Call] = []
    replaced_later: list[Call] = []
    deferred = [put.call for put in waiting]
    for entry in known.values():
        if entry.kind is not ResourceKind.RULE or desired.rule(entry.name) is not None:
            continue
        if entry.presence is Presence.ABSENT and not entry.due:
            continue
        removal = Call(Operation.DELETE_RULE, ResourceKind.RULE, entry.name)
        # Mail must not be lost in between: a rule goes only when nothing that replaces it is still on its way.
        replaced = any(_covers(rule, entry.recipients) for rule in pending)
        (replaced_later if replaced else removals).append(removal)

    creates = sum(put.call.operation is Operation.CREATE_RULE for put in puts)
    if full and creates <= len(replaced_later):
        # For a moment nobody receives. Only where all that comes will fit: else what is there is better than a part.
        removals, replaced_later = [*removals, *replaced_later], []
    deferred += replaced_later
    calls = [*removals, *calls] if full else [*calls, *removals]
    if identity_call is not None:
        waits = identity_call.operation is Operation.CREATE_IDENTITY and any(
            outcome.operation is Operation.DELETE_IDENTITY and not outcome.due for outcome in identity.unknown_outcomes
        )
        if waits:
            deferred.append(identity_call)
        elif desired.identity:
            calls.insert(0, identity_call)
        else:
            calls.append(identity_call)

    return Plan(
        calls=tuple(calls),
        deferred=tuple(deferred),
        forget=tuple(
            key
            for key, entry in known.items()
            if entry.presence is Presence.ABSENT and not entry.unknown_outcomes and not _is_wanted(entry, desired)
        ),
    )


def _without_a_gap(puts: list[Put], settled: frozenset[str]) -> tuple[list[Call], list[Put]]:
    """Calls to make now, and puts that wait for them, because they take a recipient away that another is yet to receive.

    `settled` are the recipients of the wanted rules that need no call.

    So it is when the limit of recipients changes, and addresses go from one rule to another.
    """
    arriving = {recipient for put in puts for recipient in put.rule.recipients - put.held}
    waiting = [put for put in puts if not (put.held - put.rule.recipients).isdisjoint(arriving)]
    # Two that wait for each other would wait for ever.
    if len(waiting) == len(puts):
        waiting = waiting[1:]
    calls = [put.call for put in puts if put not in waiting]
    # What nobody wants any more need not wait: a deleted address must go although another rule cannot be made.
    desired = {recipient for put in puts for recipient in put.rule.recipients} | settled
    for put in waiting:
        if put.held - desired and put.call.operation is Operation.UPDATE_RULE:
            calls.append(replace(put.call, rule=replace(put.rule, recipients=put.held & desired)))
    return calls, waiting


def _is_wanted(entry: RecordedResource, desired: DesiredState) -> bool:
    return desired.identity if entry.kind is ResourceKind.IDENTITY else desired.rule(entry.name) is not None


def _covers(rule: Rule, recipients: frozenset[str]) -> bool:
    """Whether mail that `recipients` receive now will go to `rule` (an address, or its domain either way round)."""
    domains = {recipient.rpartition("@")[2] for recipient in recipients}
    return bool(recipients & rule.recipients or domains & rule.recipients) or any(
        recipient.rpartition("@")[2] in recipients for recipient in rule.recipients
    )


def _put_rule(rule: Rule, entry: RecordedResource) -> Call | None:
    holds = entry.presence is Presence.PRESENT and (entry.recipients, entry.digest) == (rule.recipients, rule.digest)
    if holds and not entry.due:
        return None
    there = entry.presence is Presence.PRESENT or (entry.presence is Presence.UNKNOWN and entry.exists)
    return Call(Operation.UPDATE_RULE if there else Operation.CREATE_RULE, ResourceKind.RULE, rule.name, rule)


def _present_identity(entry: RecordedResource) -> Call | None:
    def call(operation: Operation) -> Call:
        return Call(operation, ResourceKind.IDENTITY, entry.name)

    if entry.presence is Presence.ABSENT or (entry.presence is Presence.UNKNOWN and not entry.exists):
        return call(Operation.CREATE_IDENTITY)
    # Reading is enough for what can no longer land: it shows what the late call left.
    if entry.presence is Presence.UNKNOWN or entry.due or entry.ours is None:
        return call(Operation.READ_IDENTITY)
    if not entry.has_verification_token:
        return call(Operation.VERIFY_DOMAIN)
    # An identity that somebody else made keeps the MAIL FROM domain that it has.
    if entry.ours and not entry.has_mail_from:
        return call(Operation.SET_MAIL_FROM)
    return None


def _absent_identity(entry: RecordedResource) -> Call | None:
    if entry.presence is Presence.ABSENT and not entry.due:
        return None
    # A late v1 verification has put it there without our tag, so that reading would not tell whose it is.
    verified_late = entry.presence is Presence.ABSENT and any(
        outcome.due and outcome.operation is Operation.VERIFY_DOMAIN for outcome in entry.unknown_outcomes
    )
    if entry.ours or verified_late:
        return Call(Operation.DELETE_IDENTITY, ResourceKind.IDENTITY, entry.name)
    if entry.presence is Presence.PRESENT and entry.ours is False and not entry.due:
        return None  # somebody else's: used, never deleted
    return Call(Operation.READ_IDENTITY, ResourceKind.IDENTITY, entry.name)
