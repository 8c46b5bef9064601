"""Probes for each SES permission: calls that need the permission but change nothing.

IAM is evaluated before the service looks at the parameters. An error about a resource therefore proves the permission:
"does not exist" for a name that is certain not to exist, "not valid" for a name that cannot exist. `ValidationError` may
be raised before IAM is asked and proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ses_integration.aws.wire import OWNER_TAG
from ses_integration.doctor.probes.response import NOT_IMPLEMENTED, Response
from ses_integration.doctor.probes.send import send_to_ses
from ses_integration.doctor.probes.session import AwsSession

if TYPE_CHECKING:
    from mypy_boto3_ses.type_defs import ReceiptRuleTypeDef
    from mypy_boto3_sesv2.type_defs import SendEmailRequestTypeDef

NO_RULE_SET = frozenset({"RuleSetDoesNotExist"})
NO_IDENTITY = frozenset({"NotFound"})
# LimitExceeded: the quota is used up, so not even a valid name would be accepted.
NOT_VALID = frozenset({"InvalidParameterValue", "LimitExceeded"})
# Nobody may send now, whoever is allowed to. NotFound: the configuration set, which has a check of its own.
PAUSED = frozenset({"SendingPaused", "AccountSuspended", "LimitExceeded", "NotFound"})
# SES takes this mail and delivers it nowhere (Amazon SES Developer Guide, "Using the mailbox simulator").
SIMULATOR = "success@simulator.amazonses.com"
NOT_VALID_V2 = frozenset({"BadRequest", "LimitExceeded"})

Call = Callable[[AwsSession], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class PermissionProbe:
    """`action`: an SES operation. `proven_by`: error codes that prove the permission, as success always does."""

    action: str
    call: Call
    proven_by: frozenset[str] = frozenset()
    # SES v2 has permissions per identity; v1 has none per resource (Service Authorization Reference).
    for_identities: bool = False

    @property
    def name(self) -> str:
        """The action as an IAM policy names it."""
        return f"ses:{self.action}"

    def resource(self, aws: AwsSession) -> str:
        return f"{aws.identity_arn}*" if self.for_identities else "*"

    def run(self, aws: AwsSession) -> Response:
        expected = self.proven_by | {NOT_IMPLEMENTED}
        return send_to_ses(aws.config, f"{self.action} (ses_doctor)", lambda: self.call(aws), expected)


def _inert_rule(aws: AwsSession) -> ReceiptRuleTypeDef:
    """A disabled rule for a recipient that does not exist, without an action whose target SES would test."""
    return {
        "Name": aws.names.rule,
        "Enabled": False,
        "Recipients": [aws.names.recipient],
        "Actions": [{"AddHeaderAction": {"HeaderName": "X-Inbound-Doctor", "HeaderValue": "1"}}],
    }


def _create_identity(aws: AwsSession) -> Mapping[str, Any]:
    created = aws.sesv2.create_email_identity(EmailIdentity=aws.names.bad_identity)
    return _delete_again(aws, created)


def _verify_domain(aws: AwsSession) -> Mapping[str, Any]:
    created = aws.ses.verify_domain_identity(Domain=aws.names.bad_identity)
    return _delete_again(aws, created)


def _delete_again(aws: AwsSession, created: Mapping[str, Any]) -> Mapping[str, Any]:
    # Reached only if SES starts to accept names that DNS does not allow.
    send_to_ses(
        aws.config,
        "DeleteEmailIdentity (ses_doctor)",
        lambda: aws.sesv2.delete_email_identity(EmailIdentity=aws.names.bad_identity),
    )
    return created


def _send(aws: AwsSession) -> Mapping[str, Any]:
    request: SendEmailRequestTypeDef = {
        "FromEmailAddress": aws.names.recipient,
        "Destination": {"ToAddresses": [SIMULATOR]},
        "Content": {"Raw": {"Data": f"From: {aws.names.recipient}\r\nTo: {SIMULATOR}\r\n\r\n".encode()}},
    }
    if aws.config.configuration_set:
        request["ConfigurationSetName"] = aws.config.configuration_set
    return aws.sesv2.send_email(**request)


ACTIVE_RULE_SET = PermissionProbe(
    "DescribeActiveReceiptRuleSet", lambda aws: aws.ses.describe_active_receipt_rule_set()
)
RULE_SET = PermissionProbe(
    "DescribeReceiptRuleSet",
    lambda aws: aws.ses.describe_receipt_rule_set(RuleSetName=aws.config.rule_set),
    NO_RULE_SET,
)
# The rule set has a random name and does not exist, so nothing in it can be created, changed or deleted. SES v1 has no
# permissions per rule set, so what is allowed there is allowed in ours.
RULES = (
    PermissionProbe(
        "CreateReceiptRule",
        lambda aws: aws.ses.create_receipt_rule(RuleSetName=aws.names.no_rule_set, Rule=_inert_rule(aws)),
        NO_RULE_SET,
    ),
    PermissionProbe(
        "UpdateReceiptRule",
        lambda aws: aws.ses.update_receipt_rule(RuleSetName=aws.names.no_rule_set, Rule=_inert_rule(aws)),
        NO_RULE_SET,
    ),
    PermissionProbe(
        "DeleteReceiptRule",
        lambda aws: aws.ses.delete_receipt_rule(RuleSetName=aws.names.no_rule_set, RuleName=aws.names.rule),
        NO_RULE_SET,
    ),
)
ORDER = PermissionProbe(
    "SetReceiptRulePosition",
    lambda aws: aws.ses.set_receipt_rule_position(RuleSetName=aws.names.no_rule_set, RuleName=aws.names.rule),
    NO_RULE_SET,
)
IDENTITIES = (
    # These only read.
    PermissionProbe("ListEmailIdentities", lambda aws: aws.sesv2.list_email_identities(PageSize=1)),
    PermissionProbe(
        "GetEmailIdentity",
        lambda aws: aws.sesv2.get_email_identity(EmailIdentity=aws.names.no_identity),
        NO_IDENTITY,
        for_identities=True,
    ),
    PermissionProbe(
        "GetIdentityVerificationAttributes",
        lambda aws: aws.ses.get_identity_verification_attributes(Identities=[aws.names.no_identity]),
    ),
    PermissionProbe(
        "GetIdentityMailFromDomainAttributes",
        lambda aws: aws.ses.get_identity_mail_from_domain_attributes(Identities=[aws.names.no_identity]),
    ),
    # The name is not valid, so nothing is created.
    PermissionProbe("CreateEmailIdentity", _create_identity, NOT_VALID_V2, for_identities=True),
    PermissionProbe("VerifyDomainIdentity", _verify_domain, NOT_VALID),
    # No identity has this random name, so nothing is tagged, changed or deleted. SES would refuse the MAIL FROM domain
    # anyway, because it is not a subdomain of the identity.
    PermissionProbe(
        "TagResource",
        lambda aws: aws.sesv2.tag_resource(
            ResourceArn=f"{aws.identity_arn}{aws.names.no_identity}",
            Tags=[{"Key": OWNER_TAG, "Value": aws.config.installation_id}],
        ),
        NO_IDENTITY,
        for_identities=True,
    ),
    PermissionProbe(
        "SetIdentityMailFromDomain",
        lambda aws: aws.ses.set_identity_mail_from_domain(
            Identity=aws.names.no_identity, MailFromDomain=aws.names.domain
        ),
        NOT_VALID,
    ),
    PermissionProbe(
        "DeleteEmailIdentity",
        lambda aws: aws.sesv2.delete_email_identity(EmailIdentity=aws.names.no_identity),
        NO_IDENTITY,
        for_identities=True,
    ),
)
# Only `ses_setup` needs these, once per region.
SETUP = (
    # The name is not valid, so nothing is created.
    PermissionProbe(
        "CreateReceiptRuleSet",
        lambda aws: aws.ses.create_receipt_rule_set(RuleSetName=aws.names.bad_rule_set),
        NOT_VALID,
    ),
    # A rule set that does not exist cannot be activated, so the active one stays. Never call this without a name: that
    # stops all receiving.
    PermissionProbe(
        "SetActiveReceiptRuleSet",
        lambda aws: aws.ses.set_active_receipt_rule_set(RuleSetName=aws.names.no_rule_set),
        NO_RULE_SET,
    ),
)
# What only installations need that forward mail.
ACCOUNT = PermissionProbe("GetAccount", lambda aws: aws.sesv2.get_account())
# The sender is not verified, so SES refuses the mail. If it did not, the mail would go to SES's own mailbox simulator.
SEND = PermissionProbe(
    "SendEmail", _send, frozenset({"MessageRejected", "MailFromDomainNotVerified", *PAUSED}), for_identities=True
)
FEEDBACK = PermissionProbe(
    "PutEmailIdentityFeedbackAttributes",
    lambda aws: aws.sesv2.put_email_identity_feedback_attributes(
        EmailIdentity=aws.names.no_identity, EmailForwardingEnabled=False
    ),
    NO_IDENTITY,
    for_identities=True,
)
CONFIGURATION_SET = PermissionProbe(
    "GetConfigurationSetEventDestinations",
    lambda aws: aws.sesv2.get_configuration_set_event_destinations(ConfigurationSetName=aws.config.configuration_set),
    frozenset({"NotFound"}),
)
SENDING = (ACCOUNT, SEND, FEEDBACK, CONFIGURATION_SET)
ALL = (ACTIVE_RULE_SET, RULE_SET, *RULES, ORDER, *IDENTITIES, *SETUP)
