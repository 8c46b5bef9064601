"""The request of a webhook: its headers, and sending it, signed."""

from __future__ import annotations

import re
from http import HTTPStatus

from django.utils import timezone

from endpoints.models import Endpoint
from endpoints.webhooks.headers import VALUE, sendable
from endpoints.webhooks.post import Answer, post
from endpoints.webhooks.signing import signed_headers
from mail.models import ReceivedEmail
from mail.webhooks.payload import EVENT, sent_timestamp
from ses_integration.api import release_connection

JSON = "application/json"
USER_AGENT = "InboundEmail-Webhook/1.0"
# A line of a mail has no more characters. Servers limit all headers together to 8 kB or so.
LONGEST_VALUE = 998
GONE = "The receiver answered 410: it wants no mail any more."
REDIRECT = "The receiver answered {}: redirects are not followed. Set the URL that it leads to."
ERROR = "The receiver answered {}."
UNSENDABLE = re.compile(r"[^!-~]")


def headers_of(endpoint: Endpoint, received: ReceivedEmail, *, attempt: int) -> dict[str, str]:
    """The headers of the contract and of the endpoint's owner, who may replace what is not reserved."""
    ours = event_headers(endpoint, EVENT, sent_timestamp(received.message), attempt=attempt)
    of_email = {"X-Email-ID": received.pk, "X-Message-ID": header_value(received.message.rfc_id)}
    return with_own(ours | of_email, endpoint)


def event_headers(endpoint: Endpoint, event: str, at: str, *, attempt: int) -> dict[str, str]:
    """The headers that every event has."""
    token = endpoint.config.get("verificationToken")
    ours = {
        "Content-Type": JSON,
        "User-Agent": USER_AGENT,
        "X-Webhook-Event": event,
        "X-Endpoint-ID": endpoint.pk,
        "X-Webhook-Timestamp": at,
        "X-Webhook-Attempt": str(attempt),
    }
    if isinstance(token, str) and token and VALUE.fullmatch(token):
        ours["X-Webhook-Verification-Token"] = token
    return ours


def with_own(ours: dict[str, str], endpoint: Endpoint) -> dict[str, str]:
    """These headers and those of the endpoint's owner, which replace ours. Names are compared without regard to case."""
    own = sendable(endpoint.config.get("headers"))
    replaced = {name.lower() for name in own}
    return {**{name: value for name, value in ours.items() if name.lower() not in replaced}, **own}


def header_value(text: str) -> str:
    """A text from a mail as HTTP can carry it. The body has it as it is."""
    return UNSENDABLE.sub("?", text)[:LONGEST_VALUE]


def send(endpoint: Endpoint, message_id: str, headers: dict[str, str], body: bytes, *, seconds: float) -> Answer:
    """Sign and post. Holds no database connection meanwhile. Raises `sealing.Unreadable`."""
    signed = signed_headers(message_id, body, endpoint.signing_keys(), timezone.now())
    release_connection()
    return post(endpoint.config["url"], body, {**headers, **signed}, seconds=seconds)


def problem_of(answer: Answer) -> str:
    """Why the request has failed, as a sentence. Empty if it has not."""
    if answer.status is None:
        return answer.error
    if answer.is_success:
        return ""
    if answer.status == HTTPStatus.GONE:
        return GONE
    return (REDIRECT if 300 <= answer.status < 400 else ERROR).format(answer.status)
