"""The test of an endpoint: a sample is posted to a webhook as a mail would be. Only the audit log has it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.utils import timezone

from audit.actions import Action
from audit.record import Entry, record
from endpoints.models import Endpoint
from endpoints.webhooks.sealing import Unreadable
from mail.downloads.room import room
from mail.webhooks import sample
from mail.webhooks.payload import Addressee, payload
from mail.webhooks.request import JSON, headers_of, problem_of, send, with_own
from mail.webhooks.size import body, encoded
from rest.fields import timestamp
from rest.ids import new_id

# Somebody waits for the answer, and a thread of the web server with them.
LONGEST_SECONDS = 30.0
MOST_SHOWN_CHARACTERS = 1000
TEST_HEADERS = {"X-Test-Request": "true"}


class Format(StrEnum):
    INBOUND = "inbound"
    DISCORD = "discord"
    SLACK = "slack"


@dataclass(frozen=True, slots=True)
class Probe:
    """What a test came to. `seconds`: how long the receiver took."""

    success: bool
    message: str
    seconds: float = 0.0
    status: int | None = None
    text: str = ""
    error: str = ""
    payload: dict[str, Any] | None = None
    format: str = ""


def probe(endpoint: Endpoint, form: Format) -> Probe:
    """Test an endpoint. Raises Busy if too many requests of this process wait for others already."""
    match endpoint.type:
        case Endpoint.Type.WEBHOOK:
            with room():
                result = _posted(endpoint, form)
            after = {"success": result.success, "message": result.message}
            record(Entry.of(Action.TESTED, endpoint, endpoint.owner_id, after=after))
            return result
        case Endpoint.Type.EMAIL:
            target = endpoint.config["forwardTo"]
            message = f"Email forwarding endpoint configured to forward to: {target}"
            return Probe(True, message, payload=_forward(endpoint, "email_forward_test", forwardTo=target))
        case _:
            members = endpoint.config["emails"]
            message = f"Email group endpoint configured to forward to {len(members)} recipients"
            return Probe(True, message, payload=_forward(endpoint, "email_group_test", groupEmails=members))


def _posted(endpoint: Endpoint, form: Format) -> Probe:
    email, raw = sample.sample(timezone.now())
    addressee = Addressee(endpoint.pk, endpoint.name, str(endpoint.config.get("payload")))
    if form == Format.INBOUND:
        told = payload(email, addressee, raw)
        sent = body(told, settings.WEBHOOK_MAX_BYTES)
        headers = headers_of(endpoint, email, attempt=1) | TEST_HEADERS
    else:
        told = sample.for_discord(email) if form == Format.DISCORD else sample.for_slack(email)
        sent = encoded(told)
        ours = {
            "Content-Type": JSON,
            "User-Agent": "InboundEmail-Test/2.0",
            "X-Endpoint-ID": endpoint.pk,
            "X-Webhook-Format": form.value,
        }
        headers = with_own(ours, endpoint) | TEST_HEADERS
    seconds = min(float(endpoint.config.get("timeout") or LONGEST_SECONDS), LONGEST_SECONDS)
    try:
        answer = send(endpoint, f"msg_{new_id()}", headers, sent, seconds=seconds)
    except Unreadable as error:
        return Probe(False, f"Webhook test failed: {error}", error=str(error), payload=told, format=form.value)
    problem = problem_of(answer)
    if answer.status is None:
        message = f"Webhook test failed: {problem}"
    elif problem:
        message = f"Webhook returned error ({answer.status})"
    else:
        message = f"Webhook responded successfully ({answer.status})"
    text = answer.text[:MOST_SHOWN_CHARACTERS]
    return Probe(not problem, message, answer.seconds, answer.status, text, problem, told, form.value)


def _forward(endpoint: Endpoint, kind: str, **members: Any) -> dict[str, Any]:
    """What the answer says of a forward. The test of one sends nothing."""
    return {
        "type": kind,
        **members,
        "preserveHeaders": bool(endpoint.config.get("preserveHeaders")),
        "subject": sample.SUBJECT,
        "from": sample.SENDER,
        "timestamp": timestamp(timezone.now()),
    }
