"""Send one mail to one recipient through SES (docs/architecture/ses.md, "Sending")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ses_integration.aws import clients
from ses_integration.aws.translate import aws_errors
from ses_integration.conf import SesConfig, ses_config
from ses_integration.errors import (
    BadCredentials,
    NotAccepted,
    NotFound,
    Refused,
    SendingHalted,
    SendingRefused,
    SesError,
    Throttled,
)
from ses_integration.sending.slots import daily_quota, slow_down
from ses_integration.setup.calls import DENIED

if TYPE_CHECKING:
    from mypy_boto3_sesv2.type_defs import SendEmailRequestTypeDef

# SES takes 40 MB in base64, and its own headers count (Amazon SES Developer Guide, "Service quotas").
MOST_RAW_BYTES = 29_000_000
_HALTED = {
    "AccountSuspended": "AWS has suspended the account's sending for good; its support knows why.",
    "SendingPaused": "Sending is paused, for the account or for the configuration set; the SES console says why.",
    "MailFromDomainNotVerified": "SES does not find the DNS records of the sender's MAIL FROM domain: correct them.",
}
_UNVERIFIED_RECIPIENT = (
    "The account is in the SES sandbox, so it sends to verified addresses only: ask AWS for production access."
)
_UNVERIFIED_SENDER = "SES does not regard the sender's domain as verified: check its DNS records."


def send_mail(sender: str, recipient: str, raw: bytes, *, tags: Mapping[str, str], seconds: float) -> str:
    """Send a mail as it is, and return SES's message id. One attempt, which waits for no slot (`sending_slot`).

    `sender`: an address of a verified domain. `tags`: come back with every event about the mail; letters, digits, `-` and `_`.
    `seconds`: how long SES may take to answer.

    Raises SendingRefused if SES will never take this mail, SendingHalted if it takes none of its kind now, and another
    SesError if it may be tried again. After Unanswered, SES may have taken it: then trying again sends a second copy.
    """
    config = ses_config()
    clients.require_credentials(config.region)
    if len(raw) > MOST_RAW_BYTES:
        raise SendingRefused("The mail is larger than SES can send.")
    request: SendEmailRequestTypeDef = {
        "FromEmailAddress": sender,
        "Destination": {"ToAddresses": [recipient]},
        "Content": {"Raw": {"Data": raw}},
        "EmailTags": [{"Name": name, "Value": value} for name, value in tags.items()],
    }
    if config.configuration_set:
        request["ConfigurationSetName"] = config.configuration_set
    client = clients.sesv2_sending(config.region, seconds)
    try:
        with aws_errors("SendEmail", hide_addresses=True):
            return client.send_email(**request)["MessageId"]
    except BadCredentials:
        raise
    except (Refused, NotFound) as error:
        translated = _translated(error, sender, recipient, config)
        if isinstance(translated, Throttled):
            slow_down(config)
        if translated is error:
            raise
        raise translated from error


def _translated(error: SesError, sender: str, recipient: str, config: SesConfig) -> SesError:
    """What a refusal means for the mail, or the same error."""
    message = error.said.lower()
    translated: SesError = error
    if error.code == "LimitExceeded" or (isinstance(error, Throttled) and "quota exceeded" in message):
        translated = daily_quota()
    elif error.code in _HALTED:
        translated = SendingHalted(_HALTED[error.code])
    elif error.code in DENIED:
        translated = SendingHalted(
            "AWS does not allow sending: allow ses:SendEmail and ses:SendRawEmail for the identity and the configuration set."
        )
    elif error.code == "NotFound":
        name = config.configuration_set
        translated = SendingHalted(f"There is no configuration set {name} in {config.region}: run ses_setup --mail.")
    elif error.code == "MessageRejected" and "not verified" in message:
        # It names who failed.
        is_sender = sender.lower() in message or recipient.lower() not in message
        translated = SendingHalted(_UNVERIFIED_SENDER if is_sender else _UNVERIFIED_RECIPIENT)
    elif error.code == "MessageRejected":
        translated = SendingRefused("SES does not accept the contents of the mail; the log has its reason.")
    elif isinstance(error, NotAccepted):
        translated = SendingRefused("SES does not accept the address of the sender or the recipient.")
    translated.code = error.code
    return translated
