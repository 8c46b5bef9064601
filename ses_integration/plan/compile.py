"""Compile the spec of a domain into desired state: the identity and receipt rules that SES should hold for it."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import astuple, dataclass

from ses_integration.plan.spec import DomainSpec, MailFrom

RULE_NAME_LIMIT = 64  # SES API Reference, ReceiptRule.Name
# SES Developer Guide, "Service quotas", email receiving.
RECIPIENTS_PER_RULE = 500
RULES_PER_SET = 200


@dataclass(frozen=True, slots=True)
class Layout:
    """What all rules of this installation share: name prefix, actions and recipient limit."""

    rule_prefix: str
    bucket: str
    topic_arn: str = ""
    function_arn: str = ""
    max_recipients: int = RECIPIENTS_PER_RULE

    @property
    def digest(self) -> str:
        """Hash of the whole layout, for the change log."""
        return hashlib.sha256(json.dumps(astuple(self)).encode()).hexdigest()[:16]

    def chunk(self, slot: int) -> int:
        """The number of the rule, from 0, that carries the address in this slot."""
        return slot // self.max_recipients

    def slots(self, chunk: int) -> range:
        """The slots of all addresses that the rule with this number carries."""
        return range(chunk * self.max_recipients, (chunk + 1) * self.max_recipients)

    def rule_name(self, domain: str, chunk: int) -> str:
        return rule_name(self.rule_prefix, domain, f"-rule-{chunk + 1}" if chunk else "-rule")

    def rule(self, name: str, recipients: frozenset[str], key_prefix: str) -> Rule:
        return Rule(name, recipients, self.bucket, key_prefix, self.topic_arn, self.function_arn)


@dataclass(frozen=True, slots=True)
class Rule:
    """A receipt rule as SES should hold it. With an empty `topic_arn` or `function_arn` it has no such action.

    Raises ValueError without recipients (docs/architecture/ses.md, "Empty recipient list").
    """

    name: str
    recipients: frozenset[str]
    bucket: str
    key_prefix: str
    topic_arn: str = ""
    function_arn: str = ""

    def __post_init__(self) -> None:
        if not self.recipients:
            raise ValueError(f"Rule {self.name} has no recipients; it would match every recipient of every domain.")

    @property
    def digest(self) -> str:
        """Hash of everything but name and recipients: of what the rule does with mail."""
        actions = [self.bucket, self.key_prefix, self.topic_arn, self.function_arn]
        return hashlib.sha256(json.dumps(actions).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class DesiredState:
    """What SES should hold for one domain name, by default nothing. `mail_from`: None for the default."""

    identity: bool = False
    rules: tuple[Rule, ...] = ()
    mail_from: MailFrom | None = None

    def rule(self, name: str) -> Rule | None:
        return next((rule for rule in self.rules if rule.name == name), None)


def rule_name(prefix: str, domain: str, suffix: str) -> str:
    """Return `<prefix>-<domain><suffix>`, with a hash in place of the domain if that is too long for SES.

    Never parse a name: the ledger knows the domain of each rule.
    """
    name = f"{prefix}-{domain}{suffix}"
    if len(name) <= RULE_NAME_LIMIT:
        return name
    return f"{prefix}-{hashlib.sha256(domain.encode()).hexdigest()[:16]}{suffix}"


def mail_from_domain(domain: str) -> str:
    """The default MAIL FROM domain (docs/architecture/ses.md, "MAIL FROM")."""
    return f"mail.{domain}"


def compile_domain(spec: DomainSpec | None, layout: Layout) -> DesiredState:
    """Compute the desired state of a domain. Without a spec, nothing is desired.

    With catch-all on there are no address rules: both would match, and the mail would be stored twice. The slot of an
    address alone decides which rule carries it, so a change of one address changes one rule.
    """
    if spec is None:
        return DesiredState()

    def rule(name: str, recipients: set[str]) -> Rule:
        return layout.rule(name, frozenset(recipients), spec.key_prefix)

    if spec.catch_all:
        name = rule_name(layout.rule_prefix, spec.name, "-catchall-rule")
        return DesiredState(identity=True, rules=(rule(name, {spec.name}),), mail_from=spec.mail_from)
    chunks: dict[int, set[str]] = defaultdict(set)
    for address, slot in spec.addresses:
        chunks[layout.chunk(slot)].add(address)
    rules = tuple(rule(layout.rule_name(spec.name, chunk), chunks[chunk]) for chunk in sorted(chunks))
    return DesiredState(identity=True, rules=rules, mail_from=spec.mail_from)
