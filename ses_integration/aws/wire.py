"""Convert between our values and those of the SES API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ses_integration.aws.observed import ObservedIdentity, ObservedRule
from ses_integration.plan.compile import Rule

if TYPE_CHECKING:
    from mypy_boto3_ses.type_defs import (
        ReceiptActionTypeDef,
        ReceiptRuleOutputTypeDef,
        ReceiptRuleTypeDef,
        S3ActionTypeDef,
    )
    from mypy_boto3_sesv2.type_defs import (
        CreateEmailIdentityResponseTypeDef,
        GetEmailIdentityResponseTypeDef,
        TagTypeDef,
    )

OWNER_TAG = "inbound"


def rule_to_aws(rule: Rule) -> ReceiptRuleTypeDef:
    """The rule in SES's format, with every field: an update replaces the whole rule (docs/architecture/ses.md, "Receipt rules")."""
    store: S3ActionTypeDef = {"BucketName": rule.bucket, "ObjectKeyPrefix": rule.key_prefix}
    if rule.topic_arn:
        store["TopicArn"] = rule.topic_arn
    actions: list[ReceiptActionTypeDef] = [{"S3Action": store}]
    if rule.function_arn:
        actions.append({"LambdaAction": {"FunctionArn": rule.function_arn, "InvocationType": "Event"}})
    return {
        "Name": rule.name,
        "Enabled": True,
        "TlsPolicy": "Optional",
        "ScanEnabled": True,
        "Recipients": sorted(rule.recipients),
        "Actions": actions,
    }


def rule_from_aws(described: ReceiptRuleOutputTypeDef) -> ObservedRule:
    actions = described.get("Actions", [])
    stores = [action["S3Action"] for action in actions if "S3Action" in action]
    invokes = [action["LambdaAction"] for action in actions if "LambdaAction" in action]
    key_prefixes = tuple(f"{store['BucketName']}/{store.get('ObjectKeyPrefix', '')}" for store in stores)
    return ObservedRule(
        name=described["Name"],
        recipients=frozenset(recipient.lower() for recipient in described.get("Recipients", [])),
        digest=_digest(described),
        enabled=described.get("Enabled", False),
        targets=tuple([f"s3://{prefix}" for prefix in key_prefixes] + [invoke["FunctionArn"] for invoke in invokes]),
        actions=tuple(kind for action in actions for kind in action),
        key_prefixes=key_prefixes,
        ends=any("StopAction" in action for action in actions),
        may_end=any(invoke.get("InvocationType") == "RequestResponse" for invoke in invokes),
    )


def _digest(described: ReceiptRuleOutputTypeDef) -> str:
    """`Rule.digest` of the equivalent rule of ours, or an empty string if there is none.

    SES leaves out fields that have their default (docs/architecture/ses.md, "Receipt rules").
    """
    complete: Any = {"Enabled": False, "TlsPolicy": "Optional", "ScanEnabled": False, **described}
    actions: Any = [
        {kind: {field: value for field, value in parameters.items() if value} for kind, parameters in action.items()}
        for action in complete.get("Actions", [])
    ]
    store = actions[0].get("S3Action") if actions else None
    if not store or not described.get("Recipients"):
        return ""
    rule = Rule(
        name=described["Name"],
        recipients=frozenset(described["Recipients"]),
        bucket=store["BucketName"],
        key_prefix=store.get("ObjectKeyPrefix", ""),
        topic_arn=store.get("TopicArn", ""),
        function_arn=actions[-1].get("LambdaAction", {}).get("FunctionArn", ""),
    )
    ours = {**rule_to_aws(rule), "Recipients": described["Recipients"]}
    return rule.digest if {**complete, "Actions": actions} == ours else ""


def owner_tags(installation_id: str) -> list[TagTypeDef]:
    return [{"Key": OWNER_TAG, "Value": installation_id}]


def created_identity(name: str, answer: CreateEmailIdentityResponseTypeDef, installation_id: str) -> ObservedIdentity:
    dkim = answer.get("DkimAttributes", {})
    return ObservedIdentity(
        name=name,
        status="Success" if answer.get("VerifiedForSendingStatus") else "Pending",
        ours=True,
        owner=installation_id,
        dkim_tokens=tuple(dkim.get("Tokens", [])),
        dkim_zone=dkim.get("SigningHostedZone", ""),
        dkim_status=_v1_status(dkim.get("Status", "")),
    )


def identity_from_aws(name: str, answer: GetEmailIdentityResponseTypeDef, installation_id: str) -> ObservedIdentity:
    dkim, mail_from = answer.get("DkimAttributes", {}), answer.get("MailFromAttributes", {})
    owner = next((tag["Value"] for tag in answer.get("Tags", []) if tag["Key"] == OWNER_TAG), "")
    return ObservedIdentity(
        name=name,
        status=_v1_status(answer.get("VerificationStatus", "PENDING")),
        ours=bool(owner) and owner == installation_id,
        owner=owner,
        # With a key of the owner's own, the token is the name of that key, not of a record that SES asks for.
        dkim_tokens=() if dkim.get("SigningAttributesOrigin") == "EXTERNAL" else tuple(dkim.get("Tokens", [])),
        dkim_zone=dkim.get("SigningHostedZone", ""),
        dkim_status=_v1_status(dkim.get("Status", "")),
        mail_from_domain=mail_from.get("MailFromDomain", ""),
        mail_from_status=_v1_status(mail_from.get("MailFromDomainStatus", "")),
    )


def _v1_status(status: str) -> str:
    """Convert v2's TEMPORARY_FAILURE to TemporaryFailure, as v1 and API v2 spell it."""
    return "".join(word.capitalize() for word in status.split("_"))
