"""Compare desired with recorded state: the SES calls that make them equal, in an order that loses no mail.

docs/architecture/protocol.md, "Order of the calls", explains the order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ses_integration.plan.compile import DesiredState, Rule, mail_from_domain
from ses_integration.plan.resources import Call, Operation, Presence, RecordedResource, ResourceKind
from ses_integration.plan.spec import MailFrom


@dataclass(frozen=True, slots=True)
class Plan:
    """Calls to make in this order, calls that must wait, and ledger entries to delete.

    A deferred call waits until an in-flight call settles or another call of the same plan succeeds.
    """

    calls: tuple[Call, ...] = ()
    deferred: tuple[Call, ...] = ()
    forget: tuple[tuple[ResourceKind, str], ...] = ()

    @property
    def settled(self) -> bool:
        return not self.calls and not self.deferred


@dataclass(frozen=True, slots=True)
class RuleWrite:
    """A create or an update of `rule`. `recorded`: the recipients that the ledger has for it."""

    call: Call
    rule: Rule
    recorded: frozenset[str]


def plan(
    domain: str, desired: DesiredState, resources: Iterable[RecordedResource], *, rule_set_full: bool = False
) -> Plan:
    """Plan the calls that lead from the recorded `resources` of a domain name to its desired state.

    `rule_set_full`: SES has no room for another rule, so obsolete rules are deleted first.
    """
    recorded = {resource.key: resource for resource in resources}
    writes = _rule_writes(desired, recorded)
    pending = [write.rule for write in writes]
    calls, waiting = _order_writes(writes, desired)
    deferred = [write.call for write in waiting]

    removals, replacements_pending = _rule_removals(desired, recorded.values(), pending)
    creates = sum(write.call.operation is Operation.CREATE_RULE for write in writes)
    if rule_set_full and creates <= len(replacements_pending):
        # The domain receives nothing for a moment, so only if all new rules will fit.
        removals, replacements_pending = [*removals, *replacements_pending], []
    deferred += replacements_pending
    calls = [*removals, *calls] if rule_set_full else [*calls, *removals]

    identity = recorded.get((ResourceKind.IDENTITY, domain), RecordedResource.absent(ResourceKind.IDENTITY, domain))
    identity_call = (
        _call_to_set_up_identity(identity, desired.mail_from)
        if desired.identity
        else _call_to_remove_identity(identity)
    )
    if identity_call is not None:
        if identity_call.operation is Operation.CREATE_IDENTITY and _may_still_be_deleted(identity):
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
            for key, resource in recorded.items()
            if resource.presence is Presence.ABSENT
            and not resource.unknown_outcomes
            and not _is_desired(resource, desired)
        ),
    )


def _rule_writes(desired: DesiredState, recorded: dict[tuple[ResourceKind, str], RecordedResource]) -> list[RuleWrite]:
    writes = []
    for rule in desired.rules:
        key = (ResourceKind.RULE, rule.name)
        resource = recorded.get(key, RecordedResource.absent(*key))
        if call := _call_to_write(rule, resource):
            writes.append(RuleWrite(call, rule, resource.recipients))
    return writes


def _call_to_write(rule: Rule, resource: RecordedResource) -> Call | None:
    is_present = resource.presence is Presence.PRESENT
    is_equal = (resource.recipients, resource.digest) == (rule.recipients, rule.digest)
    if is_present and is_equal and not resource.has_due_call:
        return None
    operation = Operation.UPDATE_RULE if resource.known_to_exist else Operation.CREATE_RULE
    return Call(operation, ResourceKind.RULE, rule.name, rule)


def _order_writes(writes: list[RuleWrite], desired: DesiredState) -> tuple[list[Call], list[RuleWrite]]:
    """Split the writes into calls to make now and writes that wait, so that no recipient is without a rule in between.

    A write waits if it removes a recipient that another rule does not have yet. This happens when the recipient limit
    changes and addresses move between rules.
    """
    arriving = {recipient for write in writes for recipient in write.rule.recipients - write.recorded}
    waiting = [write for write in writes if not (write.recorded - write.rule.recipients).isdisjoint(arriving)]
    # Rules that exchange recipients would wait for each other forever.
    if len(waiting) == len(writes):
        waiting = waiting[1:]
    calls = [write.call for write in writes if write not in waiting]
    if not waiting:
        return calls, []
    # Remove undesired recipients at once: a deleted address must not wait until another rule is created.
    recipients = frozenset[str]().union(*(rule.recipients for rule in desired.rules))
    for write in waiting:
        if write.recorded - recipients and write.call.operation is Operation.UPDATE_RULE:
            calls.append(replace(write.call, rule=replace(write.rule, recipients=write.recorded & recipients)))
    return calls, waiting


def _rule_removals(
    desired: DesiredState, resources: Iterable[RecordedResource], pending: list[Rule]
) -> tuple[list[Call], list[Call]]:
    """Split the deletions of undesired rules into those to make now and those to defer.

    A deletion waits while a rule in `pending` is to receive the mail of the deleted rule.
    """
    removals: list[Call] = []
    replacements_pending: list[Call] = []
    for resource in resources:
        if resource.kind is not ResourceKind.RULE or _is_desired(resource, desired):
            continue
        if resource.presence is Presence.ABSENT and not resource.has_due_call:
            continue
        is_replaced = any(_receives_for(rule, resource.recipients) for rule in pending)
        (replacements_pending if is_replaced else removals).append(
            Call(Operation.DELETE_RULE, ResourceKind.RULE, resource.name)
        )
    return removals, replacements_pending


def _is_desired(resource: RecordedResource, desired: DesiredState) -> bool:
    return desired.identity if resource.kind is ResourceKind.IDENTITY else desired.rule(resource.name) is not None


def _receives_for(rule: Rule, recipients: frozenset[str]) -> bool:
    """Whether `rule` receives mail for one of `recipients`: it has one, its domain, or an address of its domain."""
    domains = {recipient.rpartition("@")[2] for recipient in recipients}
    return bool(recipients & rule.recipients or domains & rule.recipients) or any(
        recipient.rpartition("@")[2] in recipients for recipient in rule.recipients
    )


def _may_still_be_deleted(identity: RecordedResource) -> bool:
    return any(
        outcome.operation is Operation.DELETE_IDENTITY and not outcome.due for outcome in identity.unknown_outcomes
    )


def _call_to_set_up_identity(identity: RecordedResource, mail_from: MailFrom | None) -> Call | None:
    def call(operation: Operation) -> Call:
        return Call(operation, ResourceKind.IDENTITY, identity.name)

    if not identity.known_to_exist:
        return call(Operation.CREATE_IDENTITY)
    # After a due call, read the identity instead of repeating the call: the answer shows what the call did.
    if identity.presence is Presence.UNKNOWN or identity.has_due_call or identity.ours is None:
        return call(Operation.READ_IDENTITY)
    if not identity.has_verification_token:
        return call(Operation.VERIFY_DOMAIN)
    wanted = mail_from or MailFrom(mail_from_domain(identity.name))
    # An identity that somebody else created keeps what it has, unless the owner chooses.
    if wanted.domain != identity.mail_from and (wanted.chosen or (identity.ours and not identity.mail_from)):
        return replace(call(Operation.SET_MAIL_FROM), mail_from=wanted.domain)
    return None


def _call_to_remove_identity(identity: RecordedResource) -> Call | None:
    if identity.presence is Presence.ABSENT and not identity.has_due_call:
        return None
    # A late v1 verification creates the identity without our tag, so reading it would not show that it is ours.
    verified_late = identity.presence is Presence.ABSENT and any(
        outcome.due and outcome.operation is Operation.VERIFY_DOMAIN for outcome in identity.unknown_outcomes
    )
    if identity.ours or verified_late:
        return Call(Operation.DELETE_IDENTITY, ResourceKind.IDENTITY, identity.name)
    if identity.presence is Presence.PRESENT and identity.ours is False and not identity.has_due_call:
        return None  # created by somebody else: used, never deleted
    return Call(Operation.READ_IDENTITY, ResourceKind.IDENTITY, identity.name)
