"""One attempt at a forward: what came of it decides the delivery (docs/architecture/forwarding.md)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from django.conf import settings
from django.db.models.functions import Now
from django.utils import timezone

from domains.names import domain_of
from endpoints.changes.forwards import check_sender
from endpoints.config_schema import ConfigError
from mail.arrival.feedback import ALL_BOUNCED, DELIVERY_TAG, REACHED, record_feedback, shown
from mail.delivery.claims import ClaimedDelivery, held
from mail.delivery.result import Kind, Result
from mail.forwarding import mails, members
from mail.forwarding.bounces import read_bounce
from mail.forwarding.header import TRACE, Written
from mail.forwarding.room import room
from mail.forwarding.sending import AGAIN, Stopped, send_to_all, slot
from mail.forwarding.texts import is_address
from mail.forwarding.trace import MOST_HOPS, MOST_RECEIVED, Trace, read_trace
from mail.models import Delivery, DeliveryQuerySet, ForwardRecipient
from mail.parsing.limits import FETCHED
from mail.parsing.pool import Busy, Unreadable
from rest.fields import timestamp
from ses_integration.api import MOST_RAW_BYTES, NotStored, SesError, ensure_feedback_off, retry_delay

# How long S3 may take to begin its answer, and for each piece.
FETCH_SECONDS = 15.0
# Other mails of this process are in hand.
NO_ROOM_SECONDS = 2.0

LOOP = "A loop: this email has been forwarded for {} before."
TOO_MANY_HOPS = f"A loop: this email has been forwarded {MOST_HOPS} times."
TOO_MANY_RELAYS = f"A loop: this email has been through more than {MOST_RECEIVED} servers."
BOUNCE = "It reports a bounce of a forwarded email. The bounce is recorded, and the report is not forwarded."
TOO_LARGE = "It is larger than SES can send."
NO_MAIL = "S3 does not have the mail any more."
NO_SENDER = "SES cannot send from {}."
NO_ROOM = "Other large mail is being sent."


class Refusal(Exception):
    """This can never be forwarded, and the text says why."""


def attempt(claim: ClaimedDelivery) -> Result:
    """Forward a mail to everybody who has not got it. Raises DatabaseError."""
    started = time.monotonic()
    result = _attempt(claim, started + claim.seconds)
    return Result(
        kind=result.kind,
        response=result.response,
        problem=result.problem,
        retry_after=result.retry_after,
        seconds=time.monotonic() - started,
    )


def _attempt(claim: ClaimedDelivery, until: float) -> Result:
    delivery = ours(claim).select_related("received__message", "received__domain", "endpoint").first()
    if delivery is None:
        return Result(Kind.LOST)
    waiting = members.waiting(delivery)
    sender = ""
    try:
        sender = _sender(delivery)
        stopped = _forward(claim, delivery, sender, waiting, until) if waiting else None
    except Refusal as refusal:
        members.record_failed(waiting, str(refusal))
        return _ended(delivery, sender, str(refusal))
    except (NotStored, Unreadable) as error:
        sentence = NO_MAIL if isinstance(error, NotStored) else str(error)
        members.record_failed(waiting, sentence)
        return _ended(delivery, sender, sentence)
    except SesError as error:
        pause = retry_delay(AGAIN, error=error).total_seconds()
        return Result(Kind.POSTPONED, problem=error.sentence, retry_after=pause)
    except Busy:
        return Result(Kind.POSTPONED, problem=NO_ROOM, retry_after=NO_ROOM_SECONDS)
    if stopped is None:
        return _ended(delivery, sender)
    return Result(stopped.kind, _response(delivery, sender), problem=stopped.problem, retry_after=stopped.retry_after)


def ours(claim: ClaimedDelivery) -> DeliveryQuerySet:
    """The delivery, if this process may still make it."""
    return held(claim).filter(leased_until__gt=Now(), received__domain__deleting_since=None, endpoint__is_active=True)


def _forward(
    claim: ClaimedDelivery, delivery: Delivery, sender: str, waiting: Sequence[ForwardRecipient], until: float
) -> Stopped | None:
    """Raises Refusal, SesError, Busy and Unreadable."""
    message, config = delivery.received.message, delivery.endpoint.config
    with_attachments = config.get("includeAttachments") is not False
    send = partial(send_to_all, sender=sender, until=until, is_ours=ours(claim).exists)
    ensure_feedback_off(domain_of(sender))
    # Before the mail is fetched: it may wait for its turn many times.
    if no_slot := slot():
        return no_slot
    too_large = (message.size or 0) > (MOST_RAW_BYTES if with_attachments else FETCHED)
    if not too_large:
        with room(message.size or 0) as has_room:
            if not has_room:
                raise Busy
            original = mails.fetch(message, FETCH_SECONDS)
            raw = mails.forward(
                original, _written(delivery, sender, _checked(delivery, original)), with_attachments=with_attachments
            )
            del original
            if len(raw) <= MOST_RAW_BYTES:
                return send(waiting, raw=raw, record=members.record_sent)
    if settings.FORWARD_NOTICES:
        trace = read_trace(b"", delivery.received.arrived_at)
        raw = mails.notice(message, _written(delivery, sender, trace), TOO_LARGE)
        why = f"{TOO_LARGE} A notice was sent."
        stopped = send(
            waiting, raw=raw, record=lambda recipient, ses_id: members.record_failed([recipient], why, ses_id)
        )
        if stopped:
            return stopped
    raise Refusal(TOO_LARGE)


def _sender(delivery: Delivery) -> str:
    wanted, recipient = delivery.endpoint.config.get("fromAddress"), delivery.received.recipient
    try:
        # The mail has come through the recipient's domain, which is the owner's. SES knows whether it may send, too.
        sender = check_sender(delivery.endpoint, wanted) if wanted else recipient
    except ConfigError as error:
        raise Refusal(f"{error}.") from error
    for address in (sender, recipient):
        if not is_address(address):
            raise Refusal(NO_SENDER.format(address))
    return sender


def _checked(delivery: Delivery, original: mails.Original) -> Trace:
    """The trace of a mail that may be forwarded."""
    received = delivery.received
    bounce = read_bounce(original, received.message.envelope_from, received.arrived_at)
    if bounce is not None:
        # Anybody can write a mail like this, about any delivery.
        if Delivery.objects.filter(pk=bounce.tags[DELIVERY_TAG], received__owner=received.owner_id).exists():
            record_feedback([bounce])
        raise Refusal(BOUNCE)
    trace = read_trace(original.fields.get(TRACE.lower(), b""), received.arrived_at)
    if trace.has_been_at(received.recipient):
        raise Refusal(LOOP.format(received.recipient))
    if trace.is_too_long:
        raise Refusal(TOO_MANY_HOPS)
    if original.received > MOST_RECEIVED:
        raise Refusal(TOO_MANY_RELAYS)
    return trace


def _written(delivery: Delivery, sender: str, trace: Trace) -> Written:
    received, config = delivery.received, delivery.endpoint.config
    message = received.message
    author = message.from_name or message.from_address.partition("@")[0] or "Somebody"
    addresses = message.addresses
    reply_to = (addresses.get("replyTo") or addresses.get("from") or {}).get("addresses") or [
        {"name": message.from_name, "address": message.from_address}
    ]
    return Written(
        delivery=delivery.pk,
        sender=sender,
        sender_name=config.get("senderName") or f"{author[:60]} via {received.domain.name}",
        recipient=received.recipient,
        reply_to=[(one.get("name") or "", one.get("address") or "") for one in reply_to],
        subject_prefix=config.get("subjectPrefix") or "",
        trace=trace.after(received.recipient),
    )


def _ended(delivery: Delivery, sender: str, problem: str = "") -> Result:
    """Nothing more is to be sent."""
    response = _response(delivery, sender)
    if response.get("forwardedAt"):
        return Result(Kind.DELIVERED, response)
    errors = [one["error"] for one in response["recipients"] if "error" in one]
    problem = problem or (ALL_BOUNCED.format(errors[-1]) if errors else "It has no members.")
    return Result(Kind.DEAD, {**response, "error": problem, "failedAt": timestamp(timezone.now())}, problem=problem)


def _response(delivery: Delivery, sender: str) -> dict[str, Any]:
    recipients = list(delivery.recipients.order_by("pk"))
    reached = [recipient.address for recipient in recipients if recipient.state in REACHED]
    told = {"toAddresses": reached, "fromAddress": sender, "forwardedAt": timestamp(timezone.now())} if reached else {}
    return {**told, "recipients": shown(recipients)}
