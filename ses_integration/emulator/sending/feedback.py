"""What SES says of a bounce or a complaint. Pure.

Amazon SES Developer Guide, "Contents of event data that Amazon SES publishes to Amazon SNS", and bounces as SES mails them.
"""

from __future__ import annotations

import json
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from uuid import uuid4

from ses_integration.emulator.receiving.content.header_block import Fields
from ses_integration.emulator.receiving.content.notification import common_headers, cut
from ses_integration.emulator.sending.outbox import SentMail

PERMANENT = ("5.1.1", "smtp; 550 5.1.1 user unknown")
TRANSIENT = ("4.4.7", "smtp; 421 4.4.7 message expired: unable to deliver in 840 minutes")


def bounce_event(mail: SentMail, recipient: str, *, permanent: bool, at: datetime) -> str:
    status, diagnostic = PERMANENT if permanent else TRANSIENT
    bounced = {"emailAddress": recipient, "action": "failed", "status": status, "diagnosticCode": diagnostic}
    bounce = {
        "feedbackId": _feedback_id(at),
        "bounceType": "Permanent" if permanent else "Transient",
        "bounceSubType": "General",
        "bouncedRecipients": [bounced],
        "timestamp": _text(at),
        "reportingMTA": f"dns; emulated.smtp-out.{mail.region.region}.amazonses.com",
    }
    return json.dumps({"eventType": "Bounce", "bounce": bounce, "mail": _mail(mail)})


def complaint_event(mail: SentMail, recipient: str, *, at: datetime) -> str:
    complaint = {
        "feedbackId": _feedback_id(at),
        "complaintSubType": None,
        "complainedRecipients": [{"emailAddress": recipient}],
        "timestamp": _text(at),
        "userAgent": "Amazon SES Mailbox Simulator",
        "complaintFeedbackType": "abuse",
        "arrivalDate": _text(at),
    }
    return json.dumps({"eventType": "Complaint", "complaint": complaint, "mail": _mail(mail)})


def bounce_mail(mail: SentMail, recipient: str, *, permanent: bool, at: datetime) -> bytes:
    """The mail to the sender, which quotes the header of the mail that has bounced."""
    status, diagnostic = PERMANENT if permanent else TRANSIENT
    host = f"{mail.region.region}.amazonses.com"
    boundary = uuid4().hex
    lines = f"""\
From: MAILER-DAEMON@{host}
To: {mail.feedback_to}
Date: {format_datetime(at)}
Message-ID: <{uuid4()}@{host}>
Subject: Delivery Status Notification (Failure)
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="{boundary}"

--{boundary}
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

An error occurred while trying to deliver the mail to the following recipients:
{recipient}

--{boundary}
Content-Type: message/delivery-status

Reporting-MTA: dns; emulated.smtp-out.{host}

Final-Recipient: rfc822; {recipient}
Action: failed
Status: {status}
Diagnostic-Code: {diagnostic}

--{boundary}
Content-Type: message/rfc822

"""
    header = mail.raw.partition(b"\r\n\r\n")[0]
    return lines.replace("\n", "\r\n").encode() + header + f"\r\n\r\n\r\n--{boundary}--\r\n".encode()


def _mail(mail: SentMail) -> dict[str, Any]:
    fields: Fields = mail.headers()
    kept, truncated = cut(fields)
    tags = {
        "ses:source-tls-version": ["TLSv1.3"],
        "ses:operation": ["SendRawEmail"],
        "ses:configuration-set": [mail.configuration_set],
        "ses:source-ip": ["127.0.0.1"],
        "ses:from-domain": [mail.sender.rpartition("@")[2]],
        "ses:caller-identity": ["emulated"],
    }
    domain = mail.sender.rpartition("@")[2]
    return {
        "timestamp": _text(mail.at),
        "source": mail.sender,
        "sourceArn": f"arn:aws:ses:{mail.region.region}:{mail.region.account}:identity/{domain}",
        "sendingAccountId": mail.region.account,
        "messageId": mail.ses_id,
        "destination": list(mail.recipients),
        "headersTruncated": truncated,
        "headers": [{"name": name, "value": value} for name, value in kept],
        "commonHeaders": common_headers(fields, messageId=mail.ses_id),
        "tags": {**tags, **{name: [value] for name, value in mail.tags.items()}},
    }


def _feedback_id(at: datetime) -> str:
    return f"0102{int(at.timestamp() * 1000):012x}-{uuid4()}-000000"


def _text(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
