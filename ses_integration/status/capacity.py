"""Usage of the SES quotas as one value, for reports."""

from __future__ import annotations

from dataclasses import dataclass

from ses_integration.conf import ses_config
from ses_integration.coordination import quotas
from ses_integration.coordination.quotas import QuotaUsage
from ses_integration.plan.resources import ResourceKind


@dataclass(frozen=True, slots=True)
class Capacity:
    """Rules of the configured rule set and identities of the region against their quotas, and the recipients that one rule
    may have.

    All domains of the installation share the quotas, and so does everything else in the AWS account.
    """

    region: str
    rule_set: str
    rules: QuotaUsage
    identities: QuotaUsage
    recipients_per_rule: int


def capacity() -> Capacity:
    """Read the use of the quotas from the database; three statements, no call to AWS."""
    config = ses_config()
    state = quotas.rule_set_state(config)
    return Capacity(
        region=config.region,
        rule_set=config.rule_set,
        rules=quotas.usage(config, ResourceKind.RULE, state),
        identities=quotas.usage(config, ResourceKind.IDENTITY, state),
        recipients_per_rule=quotas.layout_within(config, state.recipients_per_rule).max_recipients,
    )
