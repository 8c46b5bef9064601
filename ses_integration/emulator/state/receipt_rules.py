"""The receipt rule sets of one account and region."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ses_integration.emulator.state.quotas import Quotas
from ses_integration.emulator.state.validation import Rule, check_name, check_rule
from ses_integration.emulator.wire.errors import AwsError


def with_defaults(rule: Rule) -> Rule:
    """The rule with all members, as DescribeReceiptRule returns it.

    SES API Reference, ReceiptRule and SNSAction: members that an update omits return to their defaults. The default for
    recipients matches every address.
    """
    complete: Rule = {
        "Name": rule.get("Name", ""),
        "Enabled": rule.get("Enabled", False),
        "TlsPolicy": rule.get("TlsPolicy", "Optional"),
        "Actions": copy.deepcopy(rule.get("Actions", [])),
        "Recipients": list(rule.get("Recipients", [])),
        "ScanEnabled": rule.get("ScanEnabled", False),
    }
    for action in complete["Actions"]:
        if "SNSAction" in action:
            action["SNSAction"].setdefault("Encoding", "UTF-8")
    return complete


@dataclass
class RuleSet:
    """A rule set. SES applies the rules in this order."""

    name: str
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    rules: list[Rule] = field(default_factory=list)

    def position(self, name: str) -> int | None:
        """The index of the rule, or None. Names are case-sensitive."""
        return next((index for index, rule in enumerate(self.rules) if rule["Name"] == name), None)

    def existing_position(self, name: str) -> int:
        position = self.position(name)
        if position is None:
            raise AwsError("RuleDoesNotExist", f"Rule does not exist: {name}", Name=name)
        return position

    def position_after(self, after: str | None) -> int:
        """The index after the named rule, or 0 without a name."""
        return 0 if after is None else self.existing_position(after) + 1


class ReceiptRuleStore:
    """Rule sets, and which of them is active.

    Each method is the operation of that name in the SES API Reference. It raises AwsError, and then changes nothing.
    `check_targets` tests the targets of a rule's actions, as SES does on create and update.
    """

    def __init__(self, quotas: Quotas, check_targets: Callable[[Rule], None] = lambda rule: None) -> None:
        self._quotas = quotas
        self._check_targets = check_targets
        self.rule_sets: dict[str, RuleSet] = {}
        self.active: str | None = None

    def create_receipt_rule_set(self, name: str) -> None:
        """Create it empty and inactive."""
        self._add_rule_set(name, rules=())

    def clone_receipt_rule_set(self, name: str, original: str) -> None:
        """Copy rules and order. The copy is inactive."""
        source = self.rule_sets.get(original)
        if name not in self.rule_sets and source is None:
            raise _no_such_rule_set(original)
        self._add_rule_set(name, rules=source.rules if source else ())

    def delete_receipt_rule_set(self, name: str) -> None:
        """Refuse the active one. Succeed for an unknown name."""
        if name == self.active:
            raise AwsError("CannotDelete", "Cannot delete active rule set", Name=name)
        self.rule_sets.pop(name, None)

    def set_active_receipt_rule_set(self, name: str | None) -> None:
        """Without a name, stop all receiving."""
        self.active = None if name is None else self.rule_set(name).name

    def rule_set(self, name: str) -> RuleSet:
        """The rule set. Raises `RuleSetDoesNotExist`."""
        if name not in self.rule_sets:
            raise _no_such_rule_set(name)
        return self.rule_sets[name]

    def create_receipt_rule(self, set_name: str, rule: Rule, after: str | None = None) -> None:
        """Insert the rule at the front, or right after `after`.

        A name that exists is `AlreadyExists`, even if the rest of the rule is not valid.
        """
        complete = with_defaults(rule)
        name = complete["Name"]
        check_name(name, member="rule.name", kind="ruleName")
        if after is not None:
            check_name(after, member="after", kind="ruleName")
        rule_set = self.rule_set(set_name)
        if rule_set.position(name) is not None:
            raise AwsError("AlreadyExists", f"Rule already exists: {name}", Name=name)
        position = rule_set.position_after(after)
        if len(rule_set.rules) >= self._quotas.rules:
            raise AwsError("LimitExceeded", "Too many rules")
        self._check(complete)
        rule_set.rules.insert(position, complete)

    def update_receipt_rule(self, set_name: str, rule: Rule) -> None:
        """Replace the whole rule. Name and position stay."""
        complete = with_defaults(rule)
        check_name(complete["Name"], member="rule.name", kind="ruleName")
        rule_set = self.rule_set(set_name)
        position = rule_set.existing_position(complete["Name"])
        self._check(complete)
        rule_set.rules[position] = complete

    def delete_receipt_rule(self, set_name: str, name: str) -> None:
        """Succeed for an unknown rule. The only error is `RuleSetDoesNotExist`."""
        rule_set = self.rule_set(set_name)
        rule_set.rules = [rule for rule in rule_set.rules if rule["Name"] != name]

    def describe_receipt_rule(self, set_name: str, name: str) -> Rule:
        rule_set = self.rule_set(set_name)
        return rule_set.rules[rule_set.existing_position(name)]

    def set_receipt_rule_position(self, set_name: str, name: str, after: str | None = None) -> None:
        """Move the rule to the front, or right after `after`. After itself is no change."""
        check_name(name, member="ruleName", kind="ruleName")
        if after is not None:
            check_name(after, member="after", kind="ruleName")
        rule_set = self.rule_set(set_name)
        position = rule_set.existing_position(name)
        rule_set.position_after(after)
        if after == name:
            return
        rule = rule_set.rules.pop(position)
        rule_set.rules.insert(rule_set.position_after(after), rule)

    def reorder_receipt_rule_set(self, set_name: str, names: Sequence[str]) -> None:
        """Require that `names` has every rule of the set once."""
        rule_set = self.rule_set(set_name)
        if len(set(names)) < len(names):
            raise AwsError("InvalidParameterValue", "Multiple positions found for rule")
        omitted = [rule["Name"] for rule in rule_set.rules if rule["Name"] not in names]
        if omitted:
            raise AwsError("InvalidParameterValue", f"Positions for rules not found: {', '.join(omitted)}")
        rule_set.rules = [rule_set.rules[rule_set.existing_position(name)] for name in names]

    def _add_rule_set(self, name: str, rules: Iterable[Rule]) -> None:
        check_name(name, member="ruleSetName", kind="ruleSetName")
        if name in self.rule_sets:
            raise AwsError("AlreadyExists", f"Rule set already exists: {name}", Name=name)
        if len(self.rule_sets) >= self._quotas.rule_sets:
            raise AwsError("LimitExceeded", "Too many rule sets")
        self.rule_sets[name] = RuleSet(name, rules=[copy.deepcopy(rule) for rule in rules])

    def _check(self, rule: Rule) -> None:
        check_rule(rule, self._quotas)
        self._check_targets(rule)


def _no_such_rule_set(name: str) -> AwsError:
    return AwsError("RuleSetDoesNotExist", f"Rule set does not exist: {name}", Name=name)
