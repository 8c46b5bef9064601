"""Notifications with the members and values that AWS publishes (Amazon SES Developer Guide, "Examples of notifications")."""

from __future__ import annotations

import json
from typing import Any

SES_ID = "d6iitobk75ur44p8kdnnp7g2n800"
DOMAIN_ID = "indm_0123456789abcdefghijk"
KEY = f"emails/example.com/{DOMAIN_ID}/{SES_ID}"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:mail"


def received(**changes: Any) -> dict[str, Any]:
    """A notification of a stored mail. A change names its place: `receipt__action__objectKey`. None removes the member."""
    passed = {"status": "PASS"}
    notification: dict[str, Any] = {
        "notificationType": "Received",
        "receipt": {
            "timestamp": "2015-09-11T20:32:33.936Z",
            "processingTimeMillis": 406,
            "recipients": ["recipient@example.com"],
            **{f"{name}Verdict": dict(passed) for name in ("spam", "virus", "spf", "dkim", "dmarc")},
            "action": {
                "type": "S3",
                "topicArn": TOPIC,
                "bucketName": "inbound-mail",
                "objectKeyPrefix": KEY.removesuffix(SES_ID),
                "objectKey": KEY,
            },
        },
        "mail": {
            "timestamp": "2015-09-11T20:32:33.936Z",
            "source": "0000014fbe1c09cf-7cb9f704-7531-4e53-89a1-5fa9744f5eb6-000000@amazonses.com",
            "messageId": SES_ID,
            "destination": ["recipient@example.com"],
            "headersTruncated": False,
            "headers": [
                {"name": "From", "value": "sender@example.com"},
                {"name": "Subject", "value": "Example subject"},
            ],
            "commonHeaders": {
                "returnPath": "0000014fbe1c09cf-7cb9f704-7531-4e53-89a1-5fa9744f5eb6-000000@amazonses.com",
                "from": ["Jane <sender@example.com>"],
                "date": "Fri, 11 Sep 2015 20:32:32 +0000",
                "to": ["recipient@example.com"],
                "messageId": "<61967230-7A45-4A9D-BEC9-87CBCF2211C9@example.com>",
                "subject": "Example subject",
            },
        },
    }
    for place, value in changes.items():
        *path, last = place.split("__")
        inner = notification
        for name in path:
            inner = inner[name]
        if value is None:
            del inner[last]
        else:
            inner[last] = value
    return notification


def wrapped(notification: dict[str, Any] | str) -> dict[str, Any]:
    """The SNS message around a notification, as it is in a queue without raw message delivery. Not signed."""
    message = notification if isinstance(notification, str) else json.dumps(notification)
    return {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Subject": "Amazon SES Email Receipt Notification",
        "Message": message,
        "Timestamp": "2015-09-11T20:32:34.100Z",
    }


# As in the Amazon SES Developer Guide, "Event data that Amazon SES publishes to Amazon SNS".
SENT_MAIL = {
    "timestamp": "2017-08-05T00:40:02.012Z",
    "source": "Sender Name <sender@example.com>",
    "messageId": "EXAMPLE7c191be45-e9aedb9a-02f9-4d12-a87d-dd0099a07f8a-000000",
    "destination": ["recipient@example.com"],
    "tags": {"ses:configuration-set": ["ConfigSet"], "ses:from-domain": ["example.com"], "delivery": ["ind_1"]},
}
BOUNCE: dict[str, Any] = {
    "eventType": "Bounce",
    "bounce": {
        "bounceType": "Permanent",
        "bounceSubType": "General",
        "bouncedRecipients": [
            {
                "emailAddress": "Recipient@example.com",
                "action": "failed",
                "status": "5.1.1",
                "diagnosticCode": "smtp; 550 5.1.1 user unknown",
            }
        ],
        "timestamp": "2017-08-05T00:41:02.669Z",
        "feedbackId": "01000157c44f053b-61b59c11-9236-11e6-8f96-7be8aexample-000000",
    },
    "mail": SENT_MAIL,
}
COMPLAINT: dict[str, Any] = {
    "eventType": "Complaint",
    "complaint": {
        "complainedRecipients": [{"emailAddress": "recipient@example.com"}],
        "timestamp": "2017-08-05T00:41:02.669Z",
        "complaintFeedbackType": "abuse",
    },
    "mail": SENT_MAIL,
}
