"""Which rules of the active rule set apply to a mail (docs/architecture/ses.md, "Recipients" and "Order of rules"). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ses_integration.emulator.state.validation import Rule


@dataclass(frozen=True)
class MatchedRule:
    """A rule that applies, the recipients that it matches, and its actions as (kind, parameters) up to the first Stop."""

    name: str
    recipients: tuple[str, ...]
    actions: tuple[tuple[str, dict[str, Any]], ...]
    scanned: bool

    @property
    def ends_the_set(self) -> bool:
        return any(kind == "StopAction" for kind, _ in self.actions)


def patterns_for(recipient: str) -> set[str]:
    """Every recipient that a rule can have to match this envelope recipient, in lower case."""
    local, _, domain = recipient.lower().rpartition("@")
    labels = domain.split(".")
    parents = {"." + ".".join(labels[position:]) for position in range(1, len(labels))}
    return {f"{local}@{domain}", f"{local.partition('+')[0]}@{domain}", domain, *parents}


def evaluate(rules: Iterable[Rule], recipients: Sequence[str]) -> list[MatchedRule]:
    """The enabled rules that match at least one recipient, in order, until one ends the set for the whole mail."""
    matched: list[MatchedRule] = []
    for rule in rules:
        reached = tuple(recipient for recipient in recipients if applies(rule, recipient))
        if not reached:
            continue
        matched.append(MatchedRule(rule["Name"], reached, _actions(rule), scanned=rule["ScanEnabled"]))
        if matched[-1].ends_the_set:
            break
    return matched


def applies(rule: Rule, recipient: str) -> bool:
    """Whether the rule is enabled and matches the recipient, whatever the case. Without recipients it matches everything."""
    if not rule["Enabled"]:
        return False
    wanted = patterns_for(recipient)
    return not rule["Recipients"] or any(map(wanted.__contains__, map(str.lower, rule["Recipients"])))


def _actions(rule: Rule) -> tuple[tuple[str, dict[str, Any]], ...]:
    found: list[tuple[str, dict[str, Any]]] = []
    for action in rule["Actions"]:
        found.extend(action.items())
        if "StopAction" in action:
            break
    return tuple(found)
