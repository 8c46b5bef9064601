"""Bounces and complaints about mail that we have sent (docs/architecture/ses.md, "Events of sent mail"). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from ses_integration.arrivals.fields import object_in, objects_in, text_in, texts_in, time_in

ADDRESS_LENGTH = 320
STATUS_LENGTH = 20
DIAGNOSTIC_LENGTH = 1000


class FeedbackRecipient(NamedTuple):
    """`status` (`5.1.1`) and `diagnostic`, the words of the other server, may be empty. A complaint has neither."""

    address: str
    status: str
    diagnostic: str


@dataclass(frozen=True, slots=True)
class Feedback:
    """What became of a mail that SES had taken. `permanent`: a hard bounce, which another try would not change.

    `tags`: those that the mail was sent with. SES may send the same feedback twice.
    """

    kind: Literal["bounce", "complaint"]
    permanent: bool
    ses_message_id: str
    tags: Mapping[str, str]
    recipients: tuple[FeedbackRecipient, ...]
    at: datetime


def read_feedback(content: dict[str, Any]) -> Feedback | str:
    """The feedback in an event, or a sentence that says why it has none."""
    kind = text_in(content, "eventType")
    mail = object_in(content, "mail")
    if kind == "Bounce":
        details = object_in(content, "bounce")
        recipients = objects_in(details, "bouncedRecipients")
    elif kind == "Complaint":
        details = object_in(content, "complaint")
        recipients = objects_in(details, "complainedRecipients")
    else:
        return f"It is about sent mail ({kind[:40]})."
    at = time_in(text_in(details, "timestamp"), text_in(mail, "timestamp"))
    if not (ses_message_id := text_in(mail, "messageId")) or at is None:
        return "It does not say which mail it is about, or when it happened."
    return Feedback(
        kind="bounce" if kind == "Bounce" else "complaint",
        permanent=text_in(details, "bounceType") == "Permanent",
        ses_message_id=ses_message_id,
        tags=_tags(object_in(mail, "tags")),
        recipients=tuple(
            FeedbackRecipient(
                address,
                text_in(recipient, "status")[:STATUS_LENGTH],
                text_in(recipient, "diagnosticCode")[:DIAGNOSTIC_LENGTH],
            )
            for recipient in recipients
            # A shortened address would be another one.
            if 0 < len(address := text_in(recipient, "emailAddress").lower()) <= ADDRESS_LENGTH
        ),
        at=at,
    )


def _tags(tags: dict[str, Any]) -> dict[str, str]:
    """Our own. Each has one value in a list, and SES adds some that begin with `ses:`."""
    return {name: values[0] for name in tags if not name.startswith("ses:") and (values := texts_in(tags, name))}
