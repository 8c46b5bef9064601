"""What the traces of the protocol speak of: a domain with two addresses, and what SES holds for them."""

from __future__ import annotations

from ses_integration.tests.ses_state import rules

RULE = "inbound-example.com-rule"
A, B = "a@example.com", "b@example.com"


def held() -> set[str]:
    """The recipients for which SES receives now."""
    return set().union(*rules().values())


def in_line(*recipients: str) -> bool:
    """Whether SES holds one rule with just these, or none at all."""
    return rules() == ({RULE: set(recipients)} if recipients else {})
