"""SES and the ledger as plain values: what a call does, and what its answer leaves known (protocol 2, T2 and T3)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from ses_integration.compiling import Rule, Wanted
from ses_integration.planning import Call, Entry, Kind, Known, Operation, Plan, plan

Key = tuple[Kind, str]
CALLS_AT_MOST = 80


@dataclass
class ModelSes:
    """One domain's part of SES. `identity`: "ours", "theirs" or None."""

    rules: dict[str, Rule] = field(default_factory=dict)
    identity: str | None = None

    def apply(self, call: Call) -> str:
        """SES's semantics: a create fails on a name that exists, an update on a missing one; a delete never fails."""
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
                assert self.identity != "theirs", "Somebody else's identity was deleted."
                self.identity = None
        return "done"

    def receives(self, address: str) -> bool:
        domain = address.rpartition("@")[2]
        return any(not rule.recipients.isdisjoint({address, domain}) for rule in self.rules.values())


@dataclass
class Follower:
    """Carries plans out against the model, one call after the other, as a pass over the domain does.

    `refused`: what SES refuses for now. `watch` is called after every call.
    """

    domain: str
    entries: dict[Key, Entry]
    ses: ModelSes
    watch: Callable[[Call], None] = lambda call: None
    calls: list[Call] = field(default_factory=list)

    def plan(self, wanted: Wanted) -> Plan:
        return plan(self.domain, wanted, self.entries.values())

    def follow(self, wanted: Wanted, *, refused: Collection[Key] = (), calls: int = CALLS_AT_MOST) -> Plan:
        """One pass, of at most so many calls; returns the plan that is left."""
        for _ in range(calls):
            work = self.plan(wanted)
            for key in work.forget:
                del self.entries[key]
            call = next((call for call in work.calls if call.key not in refused), None)
            if call is None:
                return work
            self._make(call)
        assert calls < CALLS_AT_MOST, f"No end: {self.calls[-10:]}"
        return self.plan(wanted)

    def settle(self) -> None:
        """Time passes until no call can land late any more."""
        for key, entry in self.entries.items():
            self.entries[key] = replace(entry, doubts=tuple(replace(doubt, due=True) for doubt in entry.doubts))

    def _make(self, call: Call) -> None:
        assert call.rule is None or call.rule.recipients
        answer = self.ses.apply(call)
        before = self.entries.get(call.key, Entry(call.kind, call.name, Known.ABSENT))
        self.entries[call.key] = _answered(before, call, answer, self.ses)
        self.calls.append(call)
        self.watch(call)


def _rule(call: Call) -> Rule:
    assert call.rule is not None
    assert call.rule.name == call.name
    return call.rule


def _answered(entry: Entry, call: Call, answer: str, ses: ModelSes) -> Entry:
    kept = entry if call.operation.is_read else replace(entry, known=Known.UNKNOWN)
    if answer == "exists":
        return replace(kept, exists=True, recipients=frozenset())
    absent = Entry(entry.kind, entry.name, Known.ABSENT, doubts=entry.doubts)
    waiting = tuple(doubt for doubt in entry.doubts if not doubt.due)
    if call.operation.removes or (answer == "missing" and call.operation.is_read):
        return replace(absent, doubts=waiting)
    if answer == "missing":
        return absent
    there = replace(entry, known=Known.PRESENT, exists=True, doubts=waiting)
    if call.rule is not None:
        return replace(there, recipients=call.rule.recipients, digest=call.rule.digest)
    if call.operation is Operation.VERIFY_DOMAIN:
        return replace(there, has_verification_token=True)
    if call.operation is Operation.SET_MAIL_FROM:
        return replace(there, has_mail_from=True)
    if call.operation is Operation.READ_IDENTITY:
        return replace(there, ours=ses.identity == "ours", has_mail_from=False)
    return replace(there, ours=True, has_verification_token=False, has_mail_from=False)
