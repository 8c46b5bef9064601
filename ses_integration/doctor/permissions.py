"""SES's permissions one by one, each proven by a call that changes nothing.

IAM decides before the service looks at what it is asked, so an answer about the thing asked for proves the permission:
"does not exist" for something that is not there, "not valid" for something that cannot be. A refusal at AWS's front door
(`ValidationError`) may come before IAM and proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ses_integration.aws.gateway import OWNER_TAG
from ses_integration.doctor.asking import ask_ses
from ses_integration.doctor.aws import Aws
from ses_integration.doctor.judging import NOT_IMPLEMENTED
from ses_integration.doctor.reply import Reply

if TYPE_CHECKING:
    from mypy_boto3_ses.type_defs import ReceiptRuleTypeDef

NO_RULE_SET = frozenset({"RuleSetDoesNotExist"})
NO_IDENTITY = frozenset({"NotFound"})
# LimitExceeded: so many are there already that not even a valid one could be made.
NOT_VALID = frozenset({"InvalidParameterValue", "LimitExceeded"})
NOT_VALID_V2 = frozenset({"BadRequest", "LimitExceeded"})

Call = Callable[[Aws], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Proof:
    """`proven_by` are the refusals that prove the permission; being carried out always does."""

    action: str
    call: Call
    proven_by: frozenset[str] = frozenset()
    # SES v2 has permissions for single identities; v1 has none for single things (Service Authorization Reference).
    for_identities: bool = False

    @property
    def name(self) -> str:
        """As a policy has it."""
        return f"ses:{self.action}"

    def resource(self, aws: Aws) -> str:
        return f"{aws.identity_arn}*" if self.for_identities else "*"

    def ask(self, aws: Aws) -> Reply:
        looked_for = self.proven_by | {NOT_IMPLEMENTED}
        return ask_ses(aws.config, f"{self.action} (ses_doctor)", lambda: self.call(aws), looked_for)


def _inert_rule(aws: Aws) -> ReceiptRuleTypeDef:
    """Disabled, for nobody, and without an action that SES would try."""
    return {
        "Name": aws.names.rule,
        "Enabled": False,
        "Recipients": [aws.names.recipient],
        "Actions": [{"AddHeaderAction": {"HeaderName": "X-Inbound-Doctor", "HeaderValue": "1"}}],
    }


def _create_identity(aws: Aws) -> Mapping[str, Any]:
    answer = aws.sesv2.create_email_identity(EmailIdentity=aws.names.bad_identity)
    return _taken_back(aws, answer)


def _verify_domain(aws: Aws) -> Mapping[str, Any]:
    answer = aws.ses.verify_domain_identity(Domain=aws.names.bad_identity)
    return _taken_back(aws, answer)


def _taken_back(aws: Aws, answer: Mapping[str, Any]) -> Mapping[str, Any]:
    # Not reached unless SES begins to take names that DNS cannot have; then there is an identity that is only ours.
    ask_ses(
        aws.config,
        "DeleteEmailIdentity (ses_doctor)",
        lambda: aws.sesv2.delete_email_identity(EmailIdentity=aws.names.bad_identity),
    )
    return answer


ACTIVE_RULE_SET = Proof("DescribeActiveReceiptRuleSet", lambda aws: aws.ses.describe_active_receipt_rule_set())
RULE_SET = Proof(
    "DescribeReceiptRuleSet",
    lambda aws: aws.ses.describe_receipt_rule_set(RuleSetName=aws.config.rule_set),
    NO_RULE_SET,
)
# No rule can be made, changed or deleted in a rule set that does not exist, and the name of this one was drawn a moment
# ago. SES v1 has no permissions for single rule sets, so what holds for this one holds for ours.
RULES = (
    Proof(
        "CreateReceiptRule",
        lambda aws: aws.ses.create_receipt_rule(RuleSetName=aws.names.no_rule_set, Rule=_inert_rule(aws)),
        NO_RULE_SET,
    ),
    Proof(
        "UpdateReceiptRule",
        lambda aws: aws.ses.update_receipt_rule(RuleSetName=aws.names.no_rule_set, Rule=_inert_rule(aws)),
        NO_RULE_SET,
    ),
    Proof(
        "DeleteReceiptRule",
        lambda aws: aws.ses.delete_receipt_rule(RuleSetName=aws.names.no_rule_set, RuleName=aws.names.rule),
        NO_RULE_SET,
    ),
)
# No rule can be moved there either.
ORDER = Proof(
    "SetReceiptRulePosition",
    lambda aws: aws.ses.set_receipt_rule_position(RuleSetName=aws.names.no_rule_set, RuleName=aws.names.rule),
    NO_RULE_SET,
)
IDENTITIES = (
    # Reads.
    Proof("ListEmailIdentities", lambda aws: aws.sesv2.list_email_identities(PageSize=1)),
    Proof(
        "GetEmailIdentity",
        lambda aws: aws.sesv2.get_email_identity(EmailIdentity=aws.names.no_identity),
        NO_IDENTITY,
        for_identities=True,
    ),
    Proof(
        "GetIdentityVerificationAttributes",
        lambda aws: aws.ses.get_identity_verification_attributes(Identities=[aws.names.no_identity]),
    ),
    Proof(
        "GetIdentityMailFromDomainAttributes",
        lambda aws: aws.ses.get_identity_mail_from_domain_attributes(Identities=[aws.names.no_identity]),
    ),
    # No identity can have this name, so none is made.
    Proof("CreateEmailIdentity", _create_identity, NOT_VALID_V2, for_identities=True),
    Proof("VerifyDomainIdentity", _verify_domain, NOT_VALID),
    # There is no identity of this name, which was drawn a moment ago, to be tagged, changed or deleted. The MAIL FROM
    # domain is none of its own either, which SES refuses for every identity.
    Proof(
        "TagResource",
        lambda aws: aws.sesv2.tag_resource(
            ResourceArn=f"{aws.identity_arn}{aws.names.no_identity}",
            Tags=[{"Key": OWNER_TAG, "Value": aws.config.installation_id}],
        ),
        NO_IDENTITY,
        for_identities=True,
    ),
    Proof(
        "SetIdentityMailFromDomain",
        lambda aws: aws.ses.set_identity_mail_from_domain(
            Identity=aws.names.no_identity, MailFromDomain=aws.names.domain
        ),
        NOT_VALID,
    ),
    Proof(
        "DeleteEmailIdentity",
        lambda aws: aws.sesv2.delete_email_identity(EmailIdentity=aws.names.no_identity),
        NO_IDENTITY,
        for_identities=True,
    ),
)
# Needed by `ses_setup` only, once for a region.
SETUP = (
    # No rule set can have this name, so none is made.
    Proof(
        "CreateReceiptRuleSet",
        lambda aws: aws.ses.create_receipt_rule_set(RuleSetName=aws.names.bad_rule_set),
        NOT_VALID,
    ),
    # What does not exist cannot be activated, and the active set stays. Never without a name: that ends all receiving.
    Proof(
        "SetActiveReceiptRuleSet",
        lambda aws: aws.ses.set_active_receipt_rule_set(RuleSetName=aws.names.no_rule_set),
        NO_RULE_SET,
    ),
)
ALL = (ACTIVE_RULE_SET, RULE_SET, *RULES, ORDER, *IDENTITIES, *SETUP)
