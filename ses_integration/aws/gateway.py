"""SES in our words: plain values in and out, `SesError` and nothing else raised, no table of ours known."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ses_integration.aws import clients
from ses_integration.aws.observed import ObservedRule
from ses_integration.aws.translate import NOT_CONFIGURED, aws_errors
from ses_integration.conf import SesConfig
from ses_integration.coordination.rate_limit import rate_limited
from ses_integration.errors import NotConfigured
from ses_integration.plan.compile import Rule, mail_from_domain

if TYPE_CHECKING:
    from mypy_boto3_ses.type_defs import (
        ReceiptActionTypeDef,
        ReceiptRuleOutputTypeDef,
        ReceiptRuleTypeDef,
        S3ActionTypeDef,
    )

OWNER_TAG = "inbound"
IDENTITIES_PER_CALL = 100  # SES API Reference, GetIdentityVerificationAttributes
IDENTITIES_PER_PAGE = 1000  # SES v2 API Reference, ListEmailIdentities


@dataclass(frozen=True, slots=True)
class ObservedIdentity:
    """An identity as SES tells of it. `status` is SES v1's text: Pending, Success, Failed, TemporaryFailure, NotStarted.

    `owner` is the installation that its tag names, empty where it has none: what v1 made has none, ours included.
    """

    name: str
    status: str
    ours: bool
    owner: str = ""
    dkim_tokens: tuple[str, ...] = ()
    dkim_zone: str = ""
    dkim_status: str = ""
    mail_from_domain: str = ""
    mail_from_status: str = ""


@dataclass(frozen=True, slots=True)
class ObservedIdentities:
    """The names of all domain identities, and how many others there are: they count towards the same quota."""

    domains: list[str]
    addresses: int


class Gateway:
    """The calls, one method each. `seconds` bounds the wait for one answer."""

    def __init__(self, config: SesConfig, seconds: float = clients.READ_TIMEOUT) -> None:
        if not config.region or not clients.have_credentials():
            raise NotConfigured(NOT_CONFIGURED)
        self._config = config
        self._ses = clients.ses(config.region, seconds)
        self._sesv2 = clients.sesv2(config.region, seconds)

    # Receipt rules

    def create_rule(self, rule: Rule) -> None:
        """Raises AlreadyExists for a name that exists, whatever its contents. Goes in front of the other rules."""
        with aws_errors(f"CreateReceiptRule {rule.name}"):
            self._ses.create_receipt_rule(RuleSetName=self._config.rule_set, Rule=_to_aws(rule))

    def update_rule(self, rule: Rule) -> None:
        """Replaces the whole rule; raises NotFound for a name that does not exist."""
        with aws_errors(f"UpdateReceiptRule {rule.name}"):
            self._ses.update_receipt_rule(RuleSetName=self._config.rule_set, Rule=_to_aws(rule))

    def delete_rule(self, name: str) -> None:
        """A rule or rule set that does not exist raises NotFound or RuleSetMissing; SES itself takes a missing rule as done."""
        with aws_errors(f"DeleteReceiptRule {name}"):
            self._ses.delete_receipt_rule(RuleSetName=self._config.rule_set, RuleName=name)

    def move_to_front(self, name: str) -> None:
        """SetReceiptRulePosition, before all other rules of our set. Raises NotFound for a rule that does not exist."""
        with aws_errors(f"SetReceiptRulePosition {name}"):
            self._ses.set_receipt_rule_position(RuleSetName=self._config.rule_set, RuleName=name)

    def rules(self) -> list[ObservedRule]:
        """All rules of our set, in order: one DescribeReceiptRuleSet, which is not paged."""
        with aws_errors("DescribeReceiptRuleSet"):
            answer = self._ses.describe_receipt_rule_set(RuleSetName=self._config.rule_set)
            return [_from_aws(rule) for rule in answer.get("Rules", [])]

    def active_rules(self) -> tuple[str, list[ObservedRule]]:
        """The name of the set that receives mail now, empty if none does, and its rules, in order."""
        with aws_errors("DescribeActiveReceiptRuleSet"):
            answer = self._ses.describe_active_receipt_rule_set()
            return answer.get("Metadata", {}).get("Name", ""), [_from_aws(rule) for rule in answer.get("Rules", [])]

    def active_rule_set(self) -> str:
        """The name of the set that receives mail now, or an empty string."""
        return self.active_rules()[0]

    def create_rule_set(self) -> None:
        with aws_errors("CreateReceiptRuleSet"), contextlib.suppress(self._ses.exceptions.AlreadyExistsException):
            self._ses.create_receipt_rule_set(RuleSetName=self._config.rule_set)

    def activate_rule_set(self) -> None:
        with aws_errors("SetActiveReceiptRuleSet"):
            self._ses.set_active_receipt_rule_set(RuleSetName=self._config.rule_set)

    # Identities

    def create_identity(self, name: str) -> ObservedIdentity:
        """Tagged as ours; raises AlreadyExists for one that exists."""
        with aws_errors(f"CreateEmailIdentity {name}"):
            answer = self._sesv2.create_email_identity(
                EmailIdentity=name, Tags=[{"Key": OWNER_TAG, "Value": self._config.installation_id}]
            )
        dkim = answer.get("DkimAttributes", {})
        return ObservedIdentity(
            name=name,
            status="Success" if answer.get("VerifiedForSendingStatus") else "Pending",
            ours=True,
            owner=self._config.installation_id,
            dkim_tokens=tuple(dkim.get("Tokens", [])),
            dkim_zone=dkim.get("SigningHostedZone", ""),
            dkim_status=_v1_status(dkim.get("Status", "")),
        )

    def read_identity(self, name: str) -> ObservedIdentity:
        """Raises NotFound."""
        with aws_errors(f"GetEmailIdentity {name}"):
            answer = self._sesv2.get_email_identity(EmailIdentity=name)
        dkim, mail_from = answer.get("DkimAttributes", {}), answer.get("MailFromAttributes", {})
        owner = next((tag["Value"] for tag in answer.get("Tags", []) if tag["Key"] == OWNER_TAG), "")
        return ObservedIdentity(
            name=name,
            status=_v1_status(answer.get("VerificationStatus", "PENDING")),
            ours=bool(owner) and owner == self._config.installation_id,
            owner=owner,
            dkim_tokens=tuple(dkim.get("Tokens", [])),
            dkim_zone=dkim.get("SigningHostedZone", ""),
            dkim_status=_v1_status(dkim.get("Status", "")),
            mail_from_domain=mail_from.get("MailFromDomain", ""),
            mail_from_status=_v1_status(mail_from.get("MailFromDomainStatus", "")),
        )

    def verify_domain(self, name: str) -> str:
        """The token for the `_amazonses` TXT record. Creates the identity if it is missing.

        See docs/architecture/ses.md, "Verification".
        """
        with aws_errors(f"VerifyDomainIdentity {name}"):
            return self._ses.verify_domain_identity(Domain=name)["VerificationToken"]

    def set_mail_from(self, name: str) -> str:
        """Raises for an identity that does not exist. Returns the MAIL FROM domain."""
        domain = mail_from_domain(name)
        with aws_errors(f"SetIdentityMailFromDomain {name}"):
            self._ses.set_identity_mail_from_domain(
                Identity=name, MailFromDomain=domain, BehaviorOnMXFailure="UseDefaultValue"
            )
        return domain

    def delete_identity(self, name: str) -> None:
        """Raises NotFound for one that is gone already."""
        with aws_errors(f"DeleteEmailIdentity {name}"):
            self._sesv2.delete_email_identity(EmailIdentity=name)

    def verification(self, names: list[str]) -> dict[str, str]:
        """The verification status of up to 100 identities; unknown ones are absent from the answer."""
        with aws_errors("GetIdentityVerificationAttributes"):
            answer = self._ses.get_identity_verification_attributes(Identities=names)
        return {name: attributes["VerificationStatus"] for name, attributes in answer["VerificationAttributes"].items()}

    def mail_from(self, names: list[str]) -> dict[str, tuple[str, str]]:
        """MAIL FROM domain and its status of up to 100 identities."""
        with aws_errors("GetIdentityMailFromDomainAttributes"):
            answer = self._ses.get_identity_mail_from_domain_attributes(Identities=names)
        return {
            name: (attributes.get("MailFromDomain", ""), attributes.get("MailFromDomainStatus", ""))
            for name, attributes in answer["MailFromDomainAttributes"].items()
        }

    def identities(self) -> ObservedIdentities:
        """All of the region; one call for each 1,000, each in its turn."""
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
            domains = [it["IdentityName"] for it in found if it.get("IdentityType") == "DOMAIN"]
            names += domains
            addresses += len(found) - len(domains)
            token = page.get("NextToken", "")
            if not token:
                return ObservedIdentities(names, addresses)


def _v1_status(status: str) -> str:
    """v2 writes TEMPORARY_FAILURE where v1, and API v2, have TemporaryFailure."""
    return "".join(word.capitalize() for word in status.split("_"))


def _to_aws(rule: Rule) -> ReceiptRuleTypeDef:
    store: S3ActionTypeDef = {"BucketName": rule.bucket, "ObjectKeyPrefix": rule.key_prefix}
    if rule.topic_arn:
        store["TopicArn"] = rule.topic_arn
    actions: list[ReceiptActionTypeDef] = [{"S3Action": store}]
    if rule.function_arn:
        actions.append({"LambdaAction": {"FunctionArn": rule.function_arn, "InvocationType": "Event"}})
    # Always all fields: an update replaces the whole rule, and what it omits falls back to a default.
    return {
        "Name": rule.name,
        "Enabled": True,
        "TlsPolicy": "Optional",
        "ScanEnabled": True,
        "Recipients": sorted(rule.recipients),
        "Actions": actions,
    }


def _from_aws(seen: ReceiptRuleOutputTypeDef) -> ObservedRule:
    actions = seen.get("Actions", [])
    stores = [action["S3Action"] for action in actions if "S3Action" in action]
    invokes = [action["LambdaAction"] for action in actions if "LambdaAction" in action]
    key_prefixes = tuple(f"{store['BucketName']}/{store.get('ObjectKeyPrefix', '')}" for store in stores)
    return ObservedRule(
        name=seen["Name"],
        recipients=frozenset(recipient.lower() for recipient in seen.get("Recipients", [])),
        digest=_digest(seen),
        enabled=seen.get("Enabled", False),
        targets=tuple([f"s3://{prefix}" for prefix in key_prefixes] + [invoke["FunctionArn"] for invoke in invokes]),
        actions=tuple(kind for action in actions for kind in action),
        key_prefixes=key_prefixes,
        ends=any("StopAction" in action for action in actions),
        may_end=any(invoke.get("InvocationType") == "RequestResponse" for invoke in invokes),
    )


def _digest(seen: ReceiptRuleOutputTypeDef) -> str:
    """That of the rule of ours which does the same to a mail, or an empty string: none would.

    What SES leaves out of its answer has its default (docs/architecture/ses.md, "Receipt rules").
    """
    told: Any = {"Enabled": False, "TlsPolicy": "Optional", "ScanEnabled": False, **seen}
    actions: Any = [
        {kind: {field: value for field, value in parameters.items() if value} for kind, parameters in action.items()}
        for action in told.get("Actions", [])
    ]
    store = actions[0].get("S3Action") if actions else None
    if not store or not seen.get("Recipients"):
        return ""
    rule = Rule(
        name=seen["Name"],
        recipients=frozenset(seen["Recipients"]),
        bucket=store["BucketName"],
        key_prefix=store.get("ObjectKeyPrefix", ""),
        topic_arn=store.get("TopicArn", ""),
        function_arn=actions[-1].get("LambdaAction", {}).get("FunctionArn", ""),
    )
    ours = {**_to_aws(rule), "Recipients": seen["Recipients"]}
    return rule.digest if {**told, "Actions": actions} == ours else ""
