"""Model of SES and of the ledger as plain values: what a call does, and what its answer records.

See docs/architecture/protocol.md, "Plan and write the intent" and "Record the answer".
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from ses_integration.plan.compile import DesiredState, Rule
from ses_integration.plan.diff import Plan, plan
from ses_integration.plan.resources import Call, Operation, Presence, RecordedResource, ResourceKind

Key = tuple[ResourceKind, str]
CALLS_AT_MOST = 80


@dataclass
class ModelSes:
    """What SES holds for one domain. `identity` is "ours", "theirs" or None."""

    rules: dict[str, Rule] = field(default_factory=dict)
    identity: str | None = None

    def apply(self, call: Call) -> str:
        """Carry out a call. A create fails if the name exists, an update if it does not; a delete never fails."""
        match call.operation:
            case Operation.CREATE_RULE:
                if call.name in self.rules:
                    return "exists"
                self.rules[call.name] = _rule(call)
            case Operation.UPDATE_RULE:
                if call.name not in self.rules:
                    return "missing"
                self.rules[call.name] = _rule(call)
            case Operation.DELETE_RULE:
                self.rules.pop(call.name, None)
            case Operation.CREATE_IDENTITY:
                if self.identity:
                    return "exists"
                self.identity = "ours"
            case Operation.READ_IDENTITY | Operation.SET_MAIL_FROM:
                if not self.identity:
                    return "missing"
            case Operation.VERIFY_DOMAIN:
                self.identity = self.identity or "ours"
            case Operation.DELETE_IDENTITY:
                assert self.identity != "theirs", "The identity of somebody else was deleted."
                self.identity = None
        return "done"

    def receives(self, address: str) -> bool:
        domain = address.rpartition("@")[2]
        return any(not rule.recipients.isdisjoint({address, domain}) for rule in self.rules.values())


@dataclass
class Reconciler:
    """Apply plans to the model, one call after the other, as a pass does. `watch` is called after every call."""

    domain: str
    entries: dict[Key, RecordedResource]
    ses: ModelSes
    watch: Callable[[Call], None] = lambda call: None
    calls: list[Call] = field(default_factory=list)

    def plan(self, desired: DesiredState) -> Plan:
        return plan(self.domain, desired, self.entries.values())

    def run(self, desired: DesiredState, *, refused: Collection[Key] = (), calls: int = CALLS_AT_MOST) -> Plan:
        """Run one pass, of at most `calls` calls; SES refuses those for `refused`. Returns the plan that is left."""
        for _ in range(calls):
            work = self.plan(desired)
            for key in work.forget:
                del self.entries[key]
            call = next((call for call in work.calls if call.key not in refused), None)
            if call is None:
                return work
            self._make(call)
        assert calls < CALLS_AT_MOST, f"The pass does not end: {self.calls[-10:]}"
        return self.plan(desired)

    def settle(self) -> None:
        """Let time pass until no call can be applied late."""
        for key, entry in self.entries.items():
            self.entries[key] = replace(
                entry, unknown_outcomes=tuple(replace(outcome, due=True) for outcome in entry.unknown_outcomes)
            )

    def _make(self, call: Call) -> None:
        assert call.rule is None or call.rule.recipients
        answer = self.ses.apply(call)
        before = self.entries.get(call.key, RecordedResource(call.kind, call.name, Presence.ABSENT))
        self.entries[call.key] = _answered(before, call, answer, self.ses)
        self.calls.append(call)
        self.watch(call)


def _rule(call: Call) -> Rule:
    assert call.rule is not None
    assert call.rule.name == call.name
    return call.rule


def _answered(entry: RecordedResource, call: Call, answer: str, ses: ModelSes) -> RecordedResource:
    kept = entry if call.operation.is_read else replace(entry, presence=Presence.UNKNOWN)
    if answer == "exists":
        return replace(kept, exists=True, recipients=frozenset())
    absent = RecordedResource(entry.kind, entry.name, Presence.ABSENT, unknown_outcomes=entry.unknown_outcomes)
    waiting = tuple(outcome for outcome in entry.unknown_outcomes if not outcome.due)
    if call.operation.removes or (answer == "missing" and call.operation.is_read):
        return replace(absent, unknown_outcomes=waiting)
    if answer == "missing":
        return absent
    there = replace(entry, presence=Presence.PRESENT, exists=True, unknown_outcomes=waiting)
    if call.rule is not None:
        return replace(there, recipients=call.rule.recipients, digest=call.rule.digest)
    if call.operation is Operation.VERIFY_DOMAIN:
        return replace(there, has_verification_token=True)
    if call.operation is Operation.SET_MAIL_FROM:
        return replace(there, mail_from=call.mail_from)
    if call.operation is Operation.READ_IDENTITY:
        return replace(there, ours=ses.identity == "ours", mail_from="")
    return replace(there, ours=True, has_verification_token=False, mail_from="")
