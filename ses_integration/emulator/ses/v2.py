"""SES API v2 (2019-09-27): identities, shared with v1.

Each function is the operation of that name in the SES API v2 Reference.
"""

from __future__ import annotations

from typing import Any

from ses_integration.emulator.ses.paging import page
from ses_integration.emulator.ses.v1 import Operation, Parameters, Result
from ses_integration.emulator.state.accounts import SesRegion
from ses_integration.emulator.state.identities import Identity
from ses_integration.emulator.wire.errors import AwsError

# v2 uses v1's statuses and options in upper snake case.
_V2_NAMES = {
    "Pending": "PENDING",
    "Success": "SUCCESS",
    "Failed": "FAILED",
    "TemporaryFailure": "TEMPORARY_FAILURE",
    "NotStarted": "NOT_STARTED",
    "UseDefaultValue": "USE_DEFAULT_VALUE",
    "RejectMessage": "REJECT_MESSAGE",
}
_V1_NAMES = {v2: v1 for v1, v2 in _V2_NAMES.items()}

# Error codes that v2 names differently.
_V2_CODES = {"InvalidParameterValue": "BadRequestException", "LimitExceeded": "LimitExceededException"}


def create_email_identity(ses: SesRegion, parameters: Parameters) -> Result:
    """Refuse a name that exists, even if v1 created it.

    DKIM starts with the identity. The response has its tokens, with `NOT_STARTED` until SES has checked DNS. With
    `DkimSigningAttributes` the owner brings a key of their own, and the token is its selector.
    """
    name = parameters["EmailIdentity"]
    if ses.identities.find(name) is not None:
        raise AwsError("AlreadyExistsException", f"Email identity {name} already exist.")
    identity = ses.identities.create(name, dkim="@" not in name, tags=parameters.get("Tags"))
    identity.dkim_selector = parameters.get("DkimSigningAttributes", {}).get("DomainSigningSelector", "")
    dkim = _dkim(identity)
    if not identity.is_verified:
        dkim["Status"] = "NOT_STARTED"
    return {
        "IdentityType": _kind(identity),
        "VerifiedForSendingStatus": identity.is_verified,
        "DkimAttributes": dkim,
    }


def get_email_identity(ses: SesRegion, parameters: Parameters) -> Result:
    identity = existing(ses, parameters["EmailIdentity"])
    return {
        "IdentityType": _kind(identity),
        "FeedbackForwardingStatus": identity.feedback_forwarding,
        "VerifiedForSendingStatus": identity.is_verified,
        "VerificationStatus": _V2_NAMES[identity.status],
        "DkimAttributes": _dkim(identity),
        "MailFromAttributes": _mail_from(identity),
        "Policies": {},
        "Tags": identity.tags,
        **({"ConfigurationSetName": identity.configuration_set} if identity.configuration_set else {}),
    }


def delete_email_identity(ses: SesRegion, parameters: Parameters) -> None:
    """Raise `NotFoundException` for an unknown identity, unlike v1."""
    ses.identities.delete(existing(ses, parameters["EmailIdentity"]).name)


def list_email_identities(ses: SesRegion, parameters: Parameters) -> Result:
    """Return at most 1000 per page."""
    size = parameters.get("PageSize", 1000)
    if not 1 <= size <= 1000:
        raise AwsError("BadRequestException", "PageSize must be between 1 and 1000.")
    shown, token = page(ses.identities.named(), parameters.get("NextToken"), size)
    result: Result = {
        "EmailIdentities": [
            {
                "IdentityType": _kind(identity),
                "IdentityName": identity.name,
                "SendingEnabled": identity.is_verified,
                "VerificationStatus": _V2_NAMES[identity.status],
            }
            for identity in shown
        ]
    }
    return result if token is None else {**result, "NextToken": token}


def put_email_identity_mail_from_attributes(ses: SesRegion, parameters: Parameters) -> None:
    """Raise `BadRequestException` for an unknown identity."""
    identity = ses.identities.find(parameters["EmailIdentity"])
    if identity is None:
        raise AwsError("BadRequestException", f"Identity <{parameters['EmailIdentity']}> does not exist.")
    behavior = parameters.get("BehaviorOnMxFailure", "USE_DEFAULT_VALUE")
    if behavior not in ("USE_DEFAULT_VALUE", "REJECT_MESSAGE"):
        raise AwsError("BadRequestException", f"Invalid BehaviorOnMxFailure: {behavior}")
    ses.identities.set_mail_from(identity, parameters.get("MailFromDomain"), _V1_NAMES[behavior])


def translate_error(error: AwsError) -> AwsError:
    """Give an error of the shared state the code of v2."""
    return AwsError(_V2_CODES.get(error.code, error.code), error.message, status=error.status, **error.members)


def existing(ses: SesRegion, name: str) -> Identity:
    identity = ses.identities.find(name)
    if identity is None:
        raise AwsError("NotFoundException", f"Email identity {name} does not exist.", status=404)
    return identity


def _kind(identity: Identity) -> str:
    return "DOMAIN" if identity.is_domain else "EMAIL_ADDRESS"


def _dkim(identity: Identity) -> dict[str, Any]:
    dkim: dict[str, Any] = {
        "SigningEnabled": identity.dkim_started,
        "Status": _V2_NAMES[identity.dkim_status],
        "SigningAttributesOrigin": "EXTERNAL" if identity.dkim_selector else "AWS_SES",
        "NextSigningKeyLength": "RSA_2048_BIT",
    }
    if identity.dkim_started:
        dkim |= {
            "Tokens": identity.dkim_tokens,
            "SigningHostedZone": "dkim.amazonses.com",
            "CurrentSigningKeyLength": "RSA_2048_BIT",
        }
    return dkim


def _mail_from(identity: Identity) -> dict[str, str]:
    if identity.mail_from is None:
        return {"BehaviorOnMxFailure": "USE_DEFAULT_VALUE"}
    return {
        "MailFromDomain": identity.mail_from.domain,
        "MailFromDomainStatus": _V2_NAMES[identity.mail_from.status],
        "BehaviorOnMxFailure": _V2_NAMES[identity.mail_from.behavior_on_mx_failure],
    }


OPERATIONS: dict[str, Operation] = {
    "CreateEmailIdentity": create_email_identity,
    "GetEmailIdentity": get_email_identity,
    "DeleteEmailIdentity": delete_email_identity,
    "ListEmailIdentities": list_email_identities,
    "PutEmailIdentityMailFromAttributes": put_email_identity_mail_from_attributes,
}
