"""The receipt rules of one account and region, as SES keeps them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ses_integration.emulator.state.quotas import Quotas
from ses_integration.emulator.state.validation import Rule, check_name, check_rule
from ses_integration.emulator.wire.errors import AwsError


def recipients_match(recipients: Sequence[str], address: str) -> bool:
    """Whether a rule with these recipients takes mail for the address.

    Amazon SES Developer Guide, "Creating receipt rules": `user@example.com` takes `user+label@example.com` as well,
    `user+label@…` only that label, `example.com` every address of exactly that domain, `.example.com` every address of
    every subdomain but not of the domain. SES API Reference, ReceiptRule: **no recipients at all means every address of
    every verified domain of the account**. Compared without regard to case.
    """
    if not recipients:
        return True
    local_part, _, domain = address.lower().rpartition("@")
    without_label = f"{local_part.partition('+')[0]}@{domain}"
    for recipient in map(str.lower, recipients):
        if "@" in recipient:
            if recipient in (address.lower(), without_label):
                return True
        elif recipient == domain or (recipient.startswith(".") and domain.endswith(recipient)):
            return True
    return False


def with_defaults(rule: Rule) -> Rule:
    """The rule as Describe shows it.

    SES API Reference, ReceiptRule and SNSAction: what the caller leaves out is not kept from before but falls to its
    default, and for recipients the default is everything.
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
    """Rules in the order in which SES runs them."""

    name: str
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    rules: list[Rule] = field(default_factory=list)

    def position(self, name: str) -> int | None:
        """Where the rule stands; names are compared exactly."""
        return next((index for index, rule in enumerate(self.rules) if rule["Name"] == name), None)

    def position_or_refuse(self, name: str) -> int:
        position = self.position(name)
        if position is None:
            raise AwsError("RuleDoesNotExist", f"Rule does not exist: {name}", Name=name)
        return position

    def position_behind(self, after: str | None) -> int:
        """Where a rule goes: behind the named one, and to the front where none is named."""
        return 0 if after is None else self.position_or_refuse(after) + 1


class ReceiptRuleStore:
    """Rule sets and the one that is active.

    Every method is one operation of the SES API, named as it is there. A refused call changes nothing. `reach` tries
    the targets of a rule's actions, which SES does on create and on update, and raises where one cannot be reached.
    """

    def __init__(self, quotas: Quotas, reach: Callable[[Rule], None] = lambda rule: None) -> None:
        self._quotas = quotas
        self._reach = reach
        self.rule_sets: dict[str, RuleSet] = {}
        self.active: str | None = None

    def create_receipt_rule_set(self, name: str) -> None:
        """SES API Reference, CreateReceiptRuleSet: made empty and inactive."""
        self._add_rule_set(name, rules=())

    def clone_receipt_rule_set(self, name: str, original: str) -> None:
        """SES API Reference, CloneReceiptRuleSet: rules and their order, but not the active flag."""
        source = self.rule_sets.get(original)
        if name not in self.rule_sets and source is None:
            raise _no_such_rule_set(original)
        self._add_rule_set(name, rules=source.rules if source else ())

    def delete_receipt_rule_set(self, name: str) -> None:
        """SES API Reference, DeleteReceiptRuleSet: never the active one; one that does not exist is success."""
        if name == self.active:
            raise AwsError("CannotDelete", "Cannot delete active rule set", Name=name)
        self.rule_sets.pop(name, None)

    def set_active_receipt_rule_set(self, name: str | None) -> None:
        """SES API Reference, SetActiveReceiptRuleSet: without a name, all receiving is switched off."""
        self.active = None if name is None else self.rule_set(name).name

    def rule_set(self, name: str) -> RuleSet:
        """The set, or `RuleSetDoesNotExist`."""
        if name not in self.rule_sets:
            raise _no_such_rule_set(name)
        return self.rule_sets[name]

    def create_receipt_rule(self, set_name: str, rule: Rule, after: str | None = None) -> None:
        """SES API Reference, CreateReceiptRule: to the front, or right behind `after`.

        A name that is taken is `AlreadyExists` whatever the rest of the rule says.
        """
        complete = with_defaults(rule)
        name = complete["Name"]
        check_name(name, member="rule.name", kind="ruleName")
        if after is not None:
            check_name(after, member="after", kind="ruleName")
        rule_set = self.rule_set(set_name)
        if rule_set.position(name) is not None:
            raise AwsError("AlreadyExists", f"Rule already exists: {name}", Name=name)
        position = rule_set.position_behind(after)
        if len(rule_set.rules) >= self._quotas.rules:
            raise AwsError("LimitExceeded", "Too many rules")
        self._check(complete)
        rule_set.rules.insert(position, complete)

    def update_receipt_rule(self, set_name: str, rule: Rule) -> None:
        """SES API Reference, UpdateReceiptRule: the whole rule is replaced; it keeps its name and its place."""
        complete = with_defaults(rule)
        check_name(complete["Name"], member="rule.name", kind="ruleName")
        rule_set = self.rule_set(set_name)
        position = rule_set.position_or_refuse(complete["Name"])
        self._check(complete)
        rule_set.rules[position] = complete

    def delete_receipt_rule(self, set_name: str, name: str) -> None:
        """SES API Reference, DeleteReceiptRule: `RuleSetDoesNotExist` is its only error; a missing rule is success."""
        rule_set = self.rule_set(set_name)
        rule_set.rules = [rule for rule in rule_set.rules if rule["Name"] != name]

    def describe_receipt_rule(self, set_name: str, name: str) -> Rule:
        """SES API Reference, DescribeReceiptRule."""
        rule_set = self.rule_set(set_name)
        return rule_set.rules[rule_set.position_or_refuse(name)]

    def set_receipt_rule_position(self, set_name: str, name: str, after: str | None = None) -> None:
        """SES API Reference, SetReceiptRulePosition: to the front, or right behind `after`; behind itself it stays."""
        check_name(name, member="ruleName", kind="ruleName")
        if after is not None:
            check_name(after, member="after", kind="ruleName")
        rule_set = self.rule_set(set_name)
        position = rule_set.position_or_refuse(name)
        rule_set.position_behind(after)
        if after == name:
            return
        rule = rule_set.rules.pop(position)
        rule_set.rules.insert(rule_set.position_behind(after), rule)

    def reorder_receipt_rule_set(self, set_name: str, names: Sequence[str]) -> None:
        """SES API Reference, ReorderReceiptRuleSet: all rules of the set, each once."""
        rule_set = self.rule_set(set_name)
        if len(set(names)) < len(names):
            raise AwsError("InvalidParameterValue", "Multiple positions found for rule")
        omitted = [rule["Name"] for rule in rule_set.rules if rule["Name"] not in names]
        if omitted:
            raise AwsError("InvalidParameterValue", f"Positions for rules not found: {', '.join(omitted)}")
        rule_set.rules = [rule_set.rules[rule_set.position_or_refuse(name)] for name in names]

    def _add_rule_set(self, name: str, rules: Iterable[Rule]) -> None:
        check_name(name, member="ruleSetName", kind="ruleSetName")
        if name in self.rule_sets:
            raise AwsError("AlreadyExists", f"Rule set already exists: {name}", Name=name)
        if len(self.rule_sets) >= self._quotas.rule_sets:
            raise AwsError("LimitExceeded", "Too many rule sets")
        self.rule_sets[name] = RuleSet(name, rules=[copy.deepcopy(rule) for rule in rules])

    def _check(self, rule: Rule) -> None:
        check_rule(rule, self._quotas)
        self._reach(rule)


def _no_such_rule_set(name: str) -> AwsError:
    return AwsError("RuleSetDoesNotExist", f"Rule set does not exist: {name}", Name=name)
