"""Routes in words, for admin pages and commands. The API has the codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mail.models import Message, ReceivedEmail
from mail.routing.route import Matched, Reason

# Each sentence stands behind `Stored only:` or the like, and in a column of its own.
REASONS: dict[str, str] = {
    Matched.ADDRESS: "The address has this endpoint.",
    Matched.LABEL: "The address without its +label has this endpoint.",
    Matched.CATCH_ALL: "No address matches, so the domain's catch-all gets it.",
    Reason.UNKNOWN_RECIPIENT: "Nothing says who it was for.",
    Reason.BLOCKED_RECIPIENT: "The recipient is blocked.",
    Reason.VIRUS: "SES has found a virus.",
    Reason.SPAM: "SES takes it for spam.",
    Reason.DMARC_REJECT: "DMARC has failed, and the sender's domain asks that such mail is rejected.",
    Reason.HISTORY: "It is from before this installation received mail, or a sweep has found it too late.",
    Reason.DMARC_REPORT: "It is for dmarc@, and the domain does not want reports about DMARC.",
    Reason.ADDRESS_INACTIVE: "The address is switched off.",
    Reason.ADDRESS_DELETED: "The address was deleted, so the catch-all does not get it.",
    Reason.ADDRESS_WITHOUT_ENDPOINT: "The address has no endpoint.",
    Reason.REQUESTED: "Somebody has asked to deliver it to this endpoint.",
    Reason.NO_ROUTE: "No address matches, and the domain has no catch-all.",
}
NOT_YET = "It is routed when it has been read."
NEVER = "It is not routed, because S3 does not have it."


def why(email: ReceivedEmail) -> str:
    """Why a mail was routed as it was, in a sentence. Reads its message."""
    if email.disposition == ReceivedEmail.Disposition.RECEIVED:
        return NEVER if email.message.state == Message.State.MISSING else NOT_YET
    return reason(email.route)


def reason(route: Mapping[str, Any]) -> str:
    """The sentence for the reason of a stored route. A code that has none stands for itself."""
    code = str(route.get("reason") or "")
    return REASONS.get(code, code)
