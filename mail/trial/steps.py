"""What has become of a listed mail so far, one line for each step."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils import timezone

from backoffice.text import plural, size, visible
from mail.models import Delivery, DeliveryAttempt, ForwardRecipient, Message, ReceivedEmail
from mail.routing.wording import why
from mail.status.delivery import state

START = "Start mail_worker: python manage.py mail_worker"


class Steps:
    """Tells each step once, however often the rows are looked at."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def new(self, row: ReceivedEmail) -> Iterator[str]:
        """The steps of a received email since the last time. Its message, deliveries and their log are read already."""
        for key, text in _steps(row):
            if key not in self._told:
                self._told.add(key)
                yield text


def is_finished(row: ReceivedEmail) -> bool:
    """Whether nothing more happens to it by itself."""
    if row.message.state == Message.State.ARRIVED:
        return False
    if row.disposition == ReceivedEmail.Disposition.RECEIVED:
        return row.message.state != Message.State.INGESTED
    return all(delivery.state != Delivery.State.DUE for delivery in row.deliveries.all())


def why_not_finished(row: ReceivedEmail) -> str:
    """What a mail waits for that has been read."""
    for delivery in row.deliveries.all():
        if delivery.state == Delivery.State.DUE:
            endpoint = delivery.endpoint
            is_new = endpoint.is_active and not delivery.attempts and not delivery.problem
            parts = [
                f"{visible(endpoint.name)}: {state(delivery, timezone.now())}.",
                visible(delivery.problem),
                "" if endpoint.is_active else endpoint.inactive_reason,
                START if is_new else "",
            ]
            return " ".join(filter(None, parts))
    return f"Nobody has routed it yet. {START}"


def read_line(message: Message) -> str:
    """What was read from a mail, or what is wrong with it."""
    if message.state != Message.State.INGESTED:
        return f"{message.get_state_display()}. {message.problem}".strip()
    names = [attachment.get("filename") or "without a name" for attachment in message.attachments]
    parts = [
        plural(message.attachment_count, "attachment") + (f" ({', '.join(names)})" if names else ""),
        f"{size(message.size or 0)} stored",
        *([f"parsed in {message.parse_seconds * 1000:.0f} ms"] if message.parse_seconds is not None else []),
        *([f"cut: {', '.join(message.truncated)}"] if message.truncated else []),
    ]
    failed = f"not parsed: {message.parse_error}; " if message.parse_error else ""
    return f"read: {failed}{', '.join(parts)}"


def _steps(row: ReceivedEmail) -> Iterator[tuple[str, str]]:
    recipient = row.recipient or "an unknown recipient"
    yield f"listed {row.pk}", f"listed as {row.pk} for {recipient}: {row.message.get_source_display()}"
    if row.message.state != Message.State.ARRIVED:
        yield f"read {row.message_id}", read_line(row.message)
    if row.disposition == ReceivedEmail.Disposition.RECEIVED:
        return
    deliveries = list(row.deliveries.all())
    names = ", ".join(visible(delivery.endpoint.name) for delivery in deliveries)
    target = f"routed to {names}" if names else row.get_disposition_display().lower()
    yield f"routed {row.pk}", f"{recipient}: {target}. {why(row)}"
    for delivery in deliveries:
        name = visible(delivery.endpoint.name)
        for attempt in sorted(delivery.log.all(), key=lambda attempt: attempt.number):
            yield f"attempt {delivery.pk} {attempt.number}", f"{name}: attempt {attempt.number} {_answer(attempt)}"
        for member in delivery.recipients.all():
            if member.state != ForwardRecipient.State.PENDING:
                error = f": {visible(member.error)}" if member.error else ""
                key = f"member {member.pk} {member.state}"
                yield key, f"{name}: {member.state} to {visible(member.address)}{error}"
        if delivery.state != Delivery.State.DUE:
            end = f"{state(delivery, timezone.now())}. {visible(delivery.problem)}".removesuffix(". ")
            yield f"{delivery.state} {delivery.pk}", f"{name}: {end}"


def _answer(attempt: DeliveryAttempt) -> str:
    took = "" if attempt.seconds is None else f" after {attempt.seconds * 1000:,.0f} ms"
    if attempt.status_code is not None:
        return f"answered {attempt.status_code}{took}"
    return f"failed{took}: {visible(attempt.error)}" if attempt.error else f"ended{took}"
