"""From what a domain should receive to what SES should hold for it. Pure: no Django, no AWS."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass

from ses_integration.plan.spec import DomainSpec

RULE_NAME_LIMIT = 64  # SES API Reference, ReceiptRule.Name
RECIPIENTS_PER_RULE = 500  # SES Developer Guide, "Service quotas", email receiving


@dataclass(frozen=True, slots=True)
class Layout:
    """How this installation names its rules, how many recipients they take, and what they do with a mail."""

    rule_prefix: str
    bucket: str
    topic_arn: str = ""
    function_arn: str = ""
    max_recipients: int = RECIPIENTS_PER_RULE


@dataclass(frozen=True, slots=True)
class Rule:
    """One receipt rule as SES should hold it. `function_arn` and `topic_arn` may be empty: no such action."""

    name: str
    recipients: frozenset[str]
    bucket: str
    key_prefix: str
    topic_arn: str = ""
    function_arn: str = ""

    def __post_init__(self) -> None:
        if not self.recipients:
            raise ValueError(f"Rule {self.name} has no recipients; SES would give it everybody's mail.")

    @property
    def digest(self) -> str:
        """Of everything but name and recipients; two rules with the same digest treat a mail alike."""
        actions = [self.bucket, self.key_prefix, self.topic_arn, self.function_arn]
        return hashlib.sha256(json.dumps(actions).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class DesiredState:
    """What SES should hold for one domain name; `identity` false and no rules is the wish for nothing."""

    identity: bool = False
    rules: tuple[Rule, ...] = ()

    def rule(self, name: str) -> Rule | None:
        return next((rule for rule in self.rules if rule.name == name), None)


def rule_name(prefix: str, domain: str, suffix: str) -> str:
    """`<prefix>-<domain><suffix>`, or with a hash for the domain where that is longer than SES takes.

    Names go one way: the ledger maps them back, nobody parses them.
    """
    name = f"{prefix}-{domain}{suffix}"
    if len(name) <= RULE_NAME_LIMIT:
        return name
    return f"{prefix}-{hashlib.sha256(domain.encode()).hexdigest()[:16]}{suffix}"


def mail_from_domain(domain: str) -> str:
    return f"mail.{domain}"


def compile_domain(spec: DomainSpec | None, layout: Layout) -> DesiredState:
    """What SES should hold. With catch-all on there are no address rules: they would match as well, and deliver twice.

    An address's slot, and nothing about its neighbours, says which rule carries it: so one change touches one rule.
    """
    if spec is None:
        return DesiredState()

    def rule(suffix: str, recipients: set[str]) -> Rule:
        return Rule(
            name=rule_name(layout.rule_prefix, spec.name, suffix),
            recipients=frozenset(recipients),
            bucket=layout.bucket,
            key_prefix=spec.key_prefix,
            topic_arn=layout.topic_arn,
            function_arn=layout.function_arn,
        )

    if spec.catch_all:
        return DesiredState(identity=True, rules=(rule("-catchall-rule", {spec.name}),))
    chunks: dict[int, set[str]] = defaultdict(set)
    for address in spec.addresses:
        chunks[address.slot // layout.max_recipients].add(address.address)
    return DesiredState(
        identity=True,
        rules=tuple(rule(f"-rule-{chunk + 1}" if chunk else "-rule", chunks[chunk]) for chunk in sorted(chunks)),
    )
