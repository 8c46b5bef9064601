"""Names for the doctor's calls: its own, and names that certainly do not exist. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ses_integration.plan.compile import RULE_NAME_LIMIT


@dataclass(frozen=True, slots=True)
class DoctorNames:
    """`prefix` is SES_RULE_PREFIX. `token` is random for each run, so no existing name can contain it."""

    prefix: str
    token: str

    @property
    def rule(self) -> str:
        """The probe rule. Fixed, so that a run removes what a killed run left behind. No domain's rule ends like this."""
        return f"{self.prefix}-doctor"

    @property
    def domain(self) -> str:
        """A domain that nobody can own: example.com is reserved (RFC 2606, section 3). SES would refuse `.invalid`."""
        return f"doctor.{self.prefix}.example.com"

    @property
    def recipient(self) -> str:
        return f"nobody@{self.domain}"

    @property
    def key_prefix(self) -> str:
        """Below `emails/`, because policies may allow no more. `doctor` is never the id of a domain."""
        return f"emails/{self.domain}/doctor/"

    @property
    def key(self) -> str:
        """The object SES writes when it tests a bucket (Developer Guide, "Deliver to S3 bucket action")."""
        return f"{self.key_prefix}AMAZON_SES_SETUP_NOTIFICATION"

    @property
    def no_rule_set(self) -> str:
        """A valid name of a rule set that does not exist."""
        return f"{self.prefix}-doctor-{self.token}"

    @property
    def no_identity(self) -> str:
        """A valid name of an identity that does not exist."""
        return f"{self.token}.{self.domain}"

    @property
    def bad_identity(self) -> str:
        """Not a valid identity: a label of a domain name cannot be empty (RFC 1034, section 3.1)."""
        return f"doctor..{self.domain}"

    @property
    def bad_rule_set(self) -> str:
        """Not a valid rule set: one character too long (SES API Reference, CreateReceiptRuleSet)."""
        return f"{self.prefix}-doctor-".ljust(RULE_NAME_LIMIT + 1, "x")
