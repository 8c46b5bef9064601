"""SES calls with plain values: one method per operation, which raises only `SesError`."""

from __future__ import annotations

import contextlib

from ses_integration.aws import clients, wire
from ses_integration.aws.clients import ClientSet
from ses_integration.aws.observed import ObservedIdentities, ObservedIdentity, ObservedRule, SendQuota
from ses_integration.aws.translate import aws_errors
from ses_integration.conf import SesConfig
from ses_integration.coordination.rate_limit import rate_limited
from ses_integration.plan.compile import Rule

IDENTITIES_PER_CALL = 100  # SES API Reference, GetIdentityVerificationAttributes
IDENTITIES_PER_PAGE = 1000  # SES v2 API Reference, ListEmailIdentities


class Gateway:
    """SES in the configured region and rule set. `seconds` bounds the wait for each answer.

    The caller is responsible for rate limit, lease and intent. Only `identities` waits for the rate limit itself.
    `verified`: the clients whose account was verified (`account.verify`). Raises NotConfigured without a region or credentials.
    """

    def __init__(
        self, config: SesConfig, seconds: float = clients.READ_TIMEOUT, *, verified: ClientSet | None = None
    ) -> None:
        clients.require_credentials(config.region)
        self._config = config
        self._ses = clients.ses(config.region, seconds, verified)
        self._sesv2 = clients.sesv2(config.region, seconds, verified)

    # Receipt rules

    def create_rule(self, rule: Rule) -> None:
        """Create a rule in front of all others. Raises AlreadyExists, even for a rule with the same contents."""
        with aws_errors(f"CreateReceiptRule {rule.name}"):
            self._ses.create_receipt_rule(RuleSetName=self._config.rule_set, Rule=wire.rule_to_aws(rule))

    def update_rule(self, rule: Rule) -> None:
        """Replace the whole rule. Raises NotFound."""
        with aws_errors(f"UpdateReceiptRule {rule.name}"):
            self._ses.update_receipt_rule(RuleSetName=self._config.rule_set, Rule=wire.rule_to_aws(rule))

    def delete_rule(self, name: str) -> None:
        """Delete a rule. SES reports success for a missing rule, too. Raises RuleSetMissing."""
        with aws_errors(f"DeleteReceiptRule {name}"):
            self._ses.delete_receipt_rule(RuleSetName=self._config.rule_set, RuleName=name)

    def move_to_front(self, name: str) -> None:
        """Move a rule in front of all others of our rule set. Raises NotFound."""
        with aws_errors(f"SetReceiptRulePosition {name}"):
            self._ses.set_receipt_rule_position(RuleSetName=self._config.rule_set, RuleName=name)

    def rules(self) -> list[ObservedRule]:
        """All rules of our rule set, in order, from one call. Raises RuleSetMissing."""
        with aws_errors("DescribeReceiptRuleSet"):
            answer = self._ses.describe_receipt_rule_set(RuleSetName=self._config.rule_set)
            return [wire.rule_from_aws(rule) for rule in answer.get("Rules", [])]

    def active_rules(self) -> tuple[str, list[ObservedRule]]:
        """Name and ordered rules of the active rule set. Without one, the name is empty."""
        with aws_errors("DescribeActiveReceiptRuleSet"):
            answer = self._ses.describe_active_receipt_rule_set()
            return answer.get("Metadata", {}).get("Name", ""), [
                wire.rule_from_aws(rule) for rule in answer.get("Rules", [])
            ]

    def active_rule_set(self) -> str:
        """Name of the active rule set, or an empty string."""
        return self.active_rules()[0]

    def create_rule_set(self) -> bool:
        """Create our rule set unless it exists. Returns whether it did not."""
        with aws_errors("CreateReceiptRuleSet"), contextlib.suppress(self._ses.exceptions.AlreadyExistsException):
            self._ses.create_receipt_rule_set(RuleSetName=self._config.rule_set)
            return True
        return False

    def activate_rule_set(self) -> None:
        """Activate our rule set. This stops the mail of the one that was active."""
        with aws_errors("SetActiveReceiptRuleSet"):
            self._ses.set_active_receipt_rule_set(RuleSetName=self._config.rule_set)

    # Identities

    def create_identity(self, name: str) -> ObservedIdentity:
        """Create an identity with our tag. Raises AlreadyExists."""
        owner = self._config.installation_id
        with aws_errors(f"CreateEmailIdentity {name}"):
            answer = self._sesv2.create_email_identity(EmailIdentity=name, Tags=wire.owner_tags(owner))
        return wire.created_identity(name, answer, owner)

    def read_identity(self, name: str) -> ObservedIdentity:
        """Everything about one identity. Raises NotFound."""
        with aws_errors(f"GetEmailIdentity {name}"):
            answer = self._sesv2.get_email_identity(EmailIdentity=name)
        return wire.identity_from_aws(name, answer, self._config.installation_id)

    def verify_domain(self, name: str) -> str:
        """Return the token for the `_amazonses` TXT record. Creates a missing identity, without a tag.

        See docs/architecture/ses.md, "Tags and ownership".
        """
        with aws_errors(f"VerifyDomainIdentity {name}"):
            return self._ses.verify_domain_identity(Domain=name)["VerificationToken"]

    def set_mail_from(self, name: str, domain: str) -> str:
        """Set the MAIL FROM domain and return it. Raises a SesError for an identity that does not exist."""
        with aws_errors(f"SetIdentityMailFromDomain {name}"):
            self._ses.set_identity_mail_from_domain(
                Identity=name, MailFromDomain=domain, BehaviorOnMXFailure="UseDefaultValue"
            )
        return domain

    def switch_feedback_off(self, name: str) -> None:
        """Let SES report bounces of what an identity has sent only as events. Raises NotFound."""
        with aws_errors(f"PutEmailIdentityFeedbackAttributes {name}"):
            self._sesv2.put_email_identity_feedback_attributes(EmailIdentity=name, EmailForwardingEnabled=False)

    def delete_identity(self, name: str) -> None:
        """Delete an identity. Raises NotFound."""
        with aws_errors(f"DeleteEmailIdentity {name}"):
            self._sesv2.delete_email_identity(EmailIdentity=name)

    def verification_statuses(self, names: list[str]) -> dict[str, str]:
        """Verification status of up to 100 identities, by name. Unknown names are left out."""
        with aws_errors("GetIdentityVerificationAttributes"):
            answer = self._ses.get_identity_verification_attributes(Identities=names)
        return {name: attributes["VerificationStatus"] for name, attributes in answer["VerificationAttributes"].items()}

    def mail_from_domains(self, names: list[str]) -> dict[str, tuple[str, str]]:
        """MAIL FROM domain and its status of up to 100 identities, by name."""
        with aws_errors("GetIdentityMailFromDomainAttributes"):
            answer = self._ses.get_identity_mail_from_domain_attributes(Identities=names)
        return {
            name: (attributes.get("MailFromDomain", ""), attributes.get("MailFromDomainStatus", ""))
            for name, attributes in answer["MailFromDomainAttributes"].items()
        }

    def identities(self) -> ObservedIdentities:
        """All identities of the region, at 1,000 per call, within the rate limit."""
        names: list[str] = []
        addresses = 0
        token = ""
        while True:
            with rate_limited(self._config), aws_errors("ListEmailIdentities"):
                page = (
                    self._sesv2.list_email_identities(PageSize=IDENTITIES_PER_PAGE, NextToken=token)
                    if token
                    else self._sesv2.list_email_identities(PageSize=IDENTITIES_PER_PAGE)
                )
            found = page.get("EmailIdentities", [])
            domains = [identity["IdentityName"] for identity in found if identity.get("IdentityType") == "DOMAIN"]
            names += domains
            addresses += len(found) - len(domains)
            token = page.get("NextToken", "")
            if not token:
                return ObservedIdentities(names, addresses)

    # Sending

    def send_quota(self) -> SendQuota:
        """How much mail the account may send in the region."""
        with aws_errors("GetAccount"):
            quota = self._sesv2.get_account()["SendQuota"]
        return SendQuota(quota["MaxSendRate"], quota["Max24HourSend"], quota["SentLast24Hours"])
