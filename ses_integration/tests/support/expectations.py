"""What the traces expect: a domain with two addresses, what SES holds for them, and claims about it."""

from __future__ import annotations

from ses_integration.tests.support.counterexamples import claim
from ses_integration.tests.support.protocol_steps import is_reported_gone
from ses_integration.tests.support.ses_state import rules

RULE = "inbound-example.com-rule"
A, B = "a@example.com", "b@example.com"


def recipients_in_ses() -> set[str]:
    return set().union(*rules().values())


def ses_holds(*recipients: str) -> bool:
    """Whether SES holds one rule with exactly these recipients, or none without recipients."""
    return rules() == ({RULE: set(recipients)} if recipients else {})


def claim_ses_follows(*recipients: str) -> None:
    with claim("SES follows the rows without an SES sweep."):
        assert ses_holds(*recipients)


def claim_no_false_report(address: str, since: int | None = None) -> None:
    """Claim that nobody who removed `address` is told that it is gone while SES holds it."""
    with claim(f"{address} is not reported as gone while SES holds it."):
        assert not (is_reported_gone(address, since) and address in recipients_in_ses())
