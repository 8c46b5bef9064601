"""What SES writes and sends when it tests the targets of a rule (docs/architecture/ses.md, "Targets are tested")."""

from __future__ import annotations

from datetime import UTC, datetime

from ses_integration.emulator.receiving.actions import AcceptedMail, Publish, run
from ses_integration.emulator.receiving.content.mail import LOCALHOST, IncomingMail, Verdicts, header_fields
from ses_integration.emulator.receiving.evaluation import MatchedRule
from ses_integration.emulator.state.accounts import SesRegion
from ses_integration.emulator.state.validation import Rule

# What SES publishes when a topic becomes an event destination: a text, not JSON.
EVENTS_SUBJECT = "Amazon SES Email Event Notification"
EVENTS_MESSAGE = "Successfully validated SNS topic for Amazon SES event publishing."
MESSAGE_ID = "AMAZON_SES_SETUP_NOTIFICATION"

_SENDER = "no-reply-aws@amazon.com"
_RAW = (
    f"From: Amazon Web Services <{_SENDER}>\r\nTo: recipient@example.com\r\nSubject: Amazon SES Setup Notification\r\n\r\n"
    "You received this message because you attempted to set up Amazon SES to deliver emails to this S3 bucket.\r\n"
).encode()


def announce(region: SesRegion, rule: Rule, publish: Publish) -> None:
    """Write an object under the prefix of each S3 action, and notify of it."""
    mail = IncomingMail(
        ses_id=MESSAGE_ID,
        region=region.region,
        sender=_SENDER,
        recipients=("recipient@example.com",),
        raw=_RAW,
        received=datetime.now(UTC),
        verdicts=Verdicts(),
        client=LOCALHOST,
    )
    stored = tuple(("S3Action", action["S3Action"]) for action in rule["Actions"] if "S3Action" in action)
    matched = MatchedRule(rule["Name"], mail.recipients, stored, scanned=False)
    log = AcceptedMail(mail.ses_id, mail.region, mail.sender, mail.recipients, len(_RAW))
    run(region.account, mail, matched, list(header_fields(_RAW)), publish, log)
