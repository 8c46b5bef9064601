"""The names that the doctor uses at AWS: its own, and some of things that are surely not there. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ses_integration.plan.compile import RULE_NAME_LIMIT


@dataclass(frozen=True, slots=True)
class Names:
    """`token` is drawn anew for each run: nobody can have used a name with it before."""

    prefix: str
    token: str

    @property
    def rule(self) -> str:
        """Always the same one, so that a run can remove what a killed one left. No domain's rule ends like this."""
        return f"{self.prefix}-doctor"

    @property
    def domain(self) -> str:
        """Nobody's: example.com is reserved (RFC 2606, section 3). SES takes it, and refuses `.invalid`.

        See docs/architecture/ses.md, "Recipients".
        """
        return f"doctor.{self.prefix}.example.com"

    @property
    def recipient(self) -> str:
        return f"nobody@{self.domain}"

    @property
    def key_prefix(self) -> str:
        """Below `emails/`, as that of every domain: policies may stop there. No domain's id is `doctor`."""
        return f"emails/{self.domain}/doctor/"

    @property
    def key(self) -> str:
        """What SES writes when it tries the bucket (Developer Guide, "Deliver to S3 bucket action")."""
        return f"{self.key_prefix}AMAZON_SES_SETUP_NOTIFICATION"

    @property
    def no_rule_set(self) -> str:
        """A valid name, and no such rule set."""
        return f"{self.prefix}-doctor-{self.token}"

    @property
    def no_identity(self) -> str:
        """A valid name, and no such identity."""
        return f"{self.token}.{self.domain}"

    @property
    def bad_identity(self) -> str:
        """No identity can have it: a label of a domain name is never empty (RFC 1034, section 3.1)."""
        return f"doctor..{self.domain}"

    @property
    def bad_rule_set(self) -> str:
        """No rule set can have it: one character too many (SES API Reference, CreateReceiptRuleSet)."""
        return f"{self.prefix}-doctor-".ljust(RULE_NAME_LIMIT + 1, "x")
