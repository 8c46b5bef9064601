"""Everything about one mail, as lines of text: where it came from, where it is stored, and where it went and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import chain

from django.db.models import Prefetch, Q, QuerySet
from django.utils import timezone

from backoffice.text import moment, plural, size, visible
from mail.models import Delivery, DeliveryAttempt, ForwardRecipient, Message, MessageReference, ReceivedEmail
from mail.routing.wording import why
from mail.status import delivery as words
from mail.threads.references import digests

VERDICTS = ("spam", "virus", "spf", "dkim", "dmarc")
# A Message-ID is the sender's choice, so many mails may have it.
MOST = 10
WIDTH = 12


def find(identifier: str) -> list[Message]:
    """The mails that an id means, newest first, at most `MOST`.

    It is that of a received email, of SES, of a delivery, with or without `msg_`, or a Message-ID. Mail of a domain that is being
    deleted is not found.
    """
    for which in (
        Q(received_emails=identifier),
        Q(ses_id=identifier),
        Q(received_emails__deliveries=identifier.removeprefix("msg_")),
        Q(pk__in=_with_message_id(identifier)),
    ):
        if found := list(_readable().filter(which).order_by("-arrived_at", "-pk")[:MOST]):
            return found
    return []


def tell(message: Message, *, with_text: bool = False) -> str:
    """All of it. Needs four statements: the recipients, their deliveries, attempts and forwards."""
    now = timezone.now()
    emails = message.received_emails.select_related("message").prefetch_related(_deliveries()).order_by("recipient")
    parts = [_head(message), *(_recipient(email, now) for email in emails)]
    text = ["", "Text:", *map(visible, message.text.splitlines())] if with_text else []
    return "\n".join([*chain.from_iterable(parts), *text])


def _readable() -> QuerySet[Message]:
    return Message.objects.filter(domain__deleting_since=None).select_related("domain").defer("html", "headers")


def _with_message_id(text: str) -> QuerySet[MessageReference, int]:
    return MessageReference.objects.filter(digest__in=list(digests([text])), is_own=True).values_list(
        "message", flat=True
    )


def _deliveries() -> Prefetch[str]:
    rows = Delivery.objects.select_related("endpoint__gate").prefetch_related(
        Prefetch("log", DeliveryAttempt.objects.order_by("number")),
        Prefetch("recipients", ForwardRecipient.objects.order_by("address")),
    )
    return Prefetch("deliveries", rows.order_by("created_at", "pk"))


def _head(message: Message) -> Iterator[str]:
    yield f"Mail {message.ses_id} of {message.domain.name}"
    if message.state == Message.State.ERASING:
        yield _line("Erased", f"its rows are blank; the bucket {'is empty' if message.erased_at else 'still has it'}")
        yield from _given("Problem", message.problem)
        return
    noted = (message.noted_at - message.arrived_at).total_seconds()
    yield _line("Subject", visible(message.subject) or "none")
    yield _line("From", _sender(message) or "unknown")
    yield _line("Envelope", visible(message.envelope_from) or "no sender: a bounce or another notice")
    yield _line("Message-ID", visible(message.rfc_id) or "none")
    yield _line(
        "Arrived", f"{moment(message.arrived_at)}, known {max(0.0, noted):,.1f} s later: {message.get_source_display()}"
    )
    yield _line(
        "Verdicts", ", ".join(f"{name.upper()} {visible(getattr(message, name)) or 'unknown'}" for name in VERDICTS)
    )
    stored = "" if message.size is None else f", {size(message.size)}"
    yield _line("Stored", f"s3://{message.bucket}/{visible(message.key)}{stored}")
    yield _line("Read", _read(message))
    yield from _given("Not parsed", message.parse_error)
    yield from _given("Problem", message.problem)


def _sender(message: Message) -> str:
    address = f"<{message.from_address}>" if message.from_name and message.from_address else message.from_address
    return visible(f"{message.from_name} {address}")


def _read(message: Message) -> str:
    if message.state == Message.State.INGESTED and message.ingested_at:
        took = f" in {message.parse_seconds * 1000:,.0f} ms" if message.parse_seconds is not None else ""
        cut = f", cut: {visible(', '.join(map(str, message.truncated)))}" if message.truncated else ""
        return f"{moment(message.ingested_at)}{took}, {plural(message.attachment_count, 'attachment')}{cut}"
    tries = f", tried {message.attempts} times" if message.attempts else ""
    due = f", next try {moment(message.retry_at)}" if message.retry_at else ""
    return f"{message.get_state_display()}{tries}{due}"


def _recipient(email: ReceivedEmail, now: datetime) -> Iterator[str]:
    yield ""
    yield f"Recipient {visible(email.recipient) or 'unknown'}, email {email.pk}"
    yield _line("Route", f"{email.get_disposition_display()}. {why(email)}")
    for delivery in email.deliveries.all():
        endpoint = delivery.endpoint
        yield _line("Delivery", f"{delivery.pk} to {visible(endpoint.name)} ({endpoint.type}, id {endpoint.pk})")
        yield _line("", words.state(delivery, now))
        yield from _given("", delivery.problem)
        for one in delivery.log.all():
            number, at, took, status, problem, answer = words.attempt(one)
            parts = [f"{at} attempt {number}", took, status, problem, answer and f'"{words.shortened_excerpt(answer)}"']
            yield _line("", ", ".join(filter(None, parts)))
        for member in delivery.recipients.all():
            address, state, at, ses_id, problem = words.forward(member)
            yield _line("", ", ".join(filter(None, [f"{address}: {state.lower()}", at, ses_id, problem])))


def _given(name: str, text: str) -> Iterator[str]:
    if text:
        yield _line(name, visible(text))


def _line(name: str, text: str) -> str:
    return f"  {name.ljust(WIDTH)}{text}"
