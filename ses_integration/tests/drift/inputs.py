"""A DriftInput without drift, and variants of it."""

from __future__ import annotations

from dataclasses import replace

from ses_integration.aws.observed import ObservedRule
from ses_integration.drift.detect import detect
from ses_integration.drift.model import DriftInput, DriftKind
from ses_integration.plan.compile import DesiredState, Rule
from ses_integration.plan.resources import Presence, RecordedResource, ResourceKind

DOMAIN, RULE = "example.com", "inbound-example.com-rule"
A, B = "a@example.com", "b@example.com"


def wants(*recipients: str, name: str = RULE) -> Rule:
    return Rule(name, frozenset(recipients), "inbound-mail", "emails/example.com/1/")


def holds(*recipients: str, name: str = RULE, **more) -> ObservedRule:
    domain = recipients[0].rpartition("@")[2] if recipients else ""
    places = (f"inbound-mail/emails/{domain}/1/",)
    fields = {"digest": wants("any").digest, "actions": ("S3Action",), "key_prefixes": places, **more}
    return ObservedRule(name, frozenset(recipients), **fields)


def knows(*recipients: str, name: str = RULE, presence: Presence = Presence.PRESENT, **more) -> RecordedResource:
    return RecordedResource(
        ResourceKind.RULE, name, presence, recipients=frozenset(recipients), digest=wants("any").digest, **more
    )


IDENTITY = RecordedResource(
    ResourceKind.IDENTITY, DOMAIN, Presence.PRESENT, ours=True, has_verification_token=True, mail_from=f"mail.{DOMAIN}"
)
EQUAL = DriftInput(
    rule_set="inbound-email-rules",
    rule_prefix="inbound",
    bucket="inbound-mail",
    installation="us",
    active="inbound-email-rules",
    rules=(holds(A),),
    identities=frozenset({DOMAIN}),
    desired={DOMAIN: DesiredState(identity=True, rules=(wants(A),))},
    entries={DOMAIN: (IDENTITY, knows(A))},
    recorded_before=frozenset({(ResourceKind.RULE, RULE), (ResourceKind.IDENTITY, DOMAIN)}),
)


def found(**changes) -> list[tuple[DriftKind, str]]:
    return [(drift.kind, drift.name) for drift in detect(replace(EQUAL, **changes))]


def one(**changes):
    [drift] = detect(replace(EQUAL, **changes))
    return drift


def with_foreign(*rules: ObservedRule, behind: bool = False) -> dict[str, object]:
    return {"rules": (holds(A), *rules) if behind else (*rules, holds(A))}
