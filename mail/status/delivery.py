"""One delivery in words: its state, and what every attempt and every forward came to."""

from __future__ import annotations

from datetime import datetime

from backoffice.text import moment, plural, visible
from mail.models import Delivery, DeliveryAttempt, ForwardRecipient

# Of an answer that is shown in one line. The page of a delivery shows all that is kept.
EXCERPT_SHOWN = 200


def state(delivery: Delivery, now: datetime) -> str:
    """`delivered 2026-11-26 09:30:00 UTC after 3 attempts`. Reads the endpoint, and its gate if it is due."""
    match delivery.state:
        case Delivery.State.DUE:
            return f"{'due' if delivery.endpoint.is_active or _in_hand(delivery, now) else 'held'}: {_waits(delivery, now)}"
        case Delivery.State.DELIVERED:
            return f"delivered {_at(delivery.finished_at)}{_after(delivery)}"
        case Delivery.State.DEAD:
            return f"given up at {_at(delivery.finished_at)}{_after(delivery)}"
        case _:
            return f"withdrawn {_at(delivery.finished_at)}{_after(delivery)}"


def attempt(one: DeliveryAttempt) -> list[str]:
    """The cells of a table with `ATTEMPT_HEAD`."""
    seconds = "" if one.seconds is None else f"{one.seconds * 1000:,.0f} ms"
    status = "" if one.status_code is None else str(one.status_code)
    return [str(one.number), moment(one.at), seconds, status, visible(one.error), visible(one.excerpt)]


ATTEMPT_HEAD = ["Attempt", "At", "Took", "Status", "Problem", "Answer"]


def forward(one: ForwardRecipient) -> list[str]:
    """The cells of a table with `FORWARD_HEAD`."""
    at = moment(one.sent_at) if one.sent_at else ""
    return [visible(one.address), one.get_state_display(), at, visible(one.ses_message_id), visible(one.error)]


FORWARD_HEAD = ["Member", "State", "Sent", "SES message id", "Problem"]


def shortened_excerpt(text: str) -> str:
    shown = visible(text)
    return shown if len(shown) <= EXCERPT_SHOWN else f"{shown[:EXCERPT_SHOWN]}…"


def waits_for_later(delivery: Delivery, now: datetime) -> bool:
    """Whether it is due, nobody makes it, and nobody will at once."""
    if delivery.state != Delivery.State.DUE or _in_hand(delivery, now):
        return False
    is_later = delivery.retry_at is not None and delivery.retry_at > now
    return is_later or not delivery.endpoint.is_active or _closed_until(delivery, now) is not None


def _waits(delivery: Delivery, now: datetime) -> str:
    number = f"attempt {delivery.attempts + 1}"
    if _in_hand(delivery, now):
        return f"attempt {delivery.attempts} is being made"
    if not delivery.endpoint.is_active:
        return f"{number} waits until the endpoint is switched on"
    closed_until = _closed_until(delivery, now)
    if closed_until and closed_until > (delivery.retry_at or now):
        return f"{number} waits for the endpoint, which is down until {moment(closed_until)}"
    if delivery.retry_at and delivery.retry_at > now:
        return f"{number} is at {moment(delivery.retry_at)}"
    return f"{number} is now"


def _in_hand(delivery: Delivery, now: datetime) -> bool:
    return delivery.leased_until is not None and delivery.leased_until > now


def _closed_until(delivery: Delivery, now: datetime) -> datetime | None:
    """Until when the gate of the endpoint is closed. None if it is open."""
    gate = getattr(delivery.endpoint, "gate", None)
    return gate.not_before if gate is not None and gate.not_before and gate.not_before > now else None


def _at(at: datetime | None) -> str:
    return moment(at) if at else "at an unknown time"


def _after(delivery: Delivery) -> str:
    return f" after {plural(delivery.attempts, 'attempt')}"
