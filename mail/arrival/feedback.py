"""Record what became of forwards that SES had taken: bounces and complaints (docs/architecture/forwarding.md, "Bounces")."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.db.models.functions import Coalesce, Now

from endpoints.config_schema import group_emails
from endpoints.models import Endpoint
from endpoints.services import switch_off
from mail.models import Delivery, EndpointGate, ForwardRecipient
from ses_integration.api import Feedback

# Permanent bounces of one address in a row. Each is of another mail.
BOUNCES_OFTEN = 3
DELIVERY_TAG, RECIPIENT_TAG = "delivery", "recipient"

OFTEN = "Three emails in a row bounced at {}, so nothing is forwarded to it any more. The last answer: {}"
COMPLAINED = "{} has reported a forwarded email as spam, so nothing is forwarded to it any more."
ALL_BOUNCED = "Nobody could be reached: {}"

State = ForwardRecipient.State
# SES has taken the mail, and nothing says that it did not arrive.
REACHED = frozenset((State.SENT, State.COMPLAINED))


def tags(recipient: ForwardRecipient) -> Mapping[str, str]:
    """What SES repeats in each event about the mail to this recipient."""
    return {DELIVERY_TAG: recipient.delivery_id, RECIPIENT_TAG: str(recipient.pk)}


def record_feedback(feedback: Iterable[Feedback]) -> Counter[str]:
    """Record what has happened, each in a transaction of its own, and return what was done, by name. Twice is the same as once.

    An event may come before the send is recorded: the row of the recipient is older than both.
    """
    counts: Counter[str] = Counter()
    for one in feedback:
        recorded = 0
        for recipient in _recipients(one):
            recorded += _record(one, recipient)
        counts["feedback" if recorded else "feedback of nothing here"] += 1
    return counts


def shown(recipients: Iterable[ForwardRecipient]) -> list[dict[str, Any]]:
    """`recipients` of the API's `responseData`."""
    return [
        {
            "address": recipient.address,
            "status": recipient.state,
            **({"error": recipient.error} if recipient.error else {}),
            **({"sesMessageId": recipient.ses_message_id} if recipient.ses_message_id else {}),
        }
        for recipient in recipients
    ]


def _recipients(feedback: Feedback) -> list[ForwardRecipient]:
    """Those that it is about. A mail has one recipient; a mail about a bounce has no tags and names the address."""
    rows = ForwardRecipient.objects.filter(
        delivery=feedback.tags.get(DELIVERY_TAG, ""), delivery__received__domain__deleting_since=None
    )
    number = feedback.tags.get(RECIPIENT_TAG, "")
    if number.isascii() and number.isdigit() and len(number) < 19:
        return list(rows.filter(pk=int(number)))
    named = {recipient.address for recipient in feedback.recipients}
    return [row for row in rows if row.address.lower() in named]


def _record(feedback: Feedback, recipient: ForwardRecipient) -> bool:
    details = next(iter(feedback.recipients), None)
    said = (details.diagnostic or details.status if details else "") or "no reason given"
    if feedback.kind == "complaint":
        state, error = State.COMPLAINED, "Reported as spam."
    elif feedback.permanent:
        state, error = State.BOUNCED, said
    else:
        # It was tried for hours. The address may be right.
        state, error = State.FAILED, said
    # A complaint stays: it came from the recipient, so the mail had arrived.
    rows = ForwardRecipient.objects.filter(pk=recipient.pk).exclude(state=State.COMPLAINED).exclude(state=state)
    ses_id = feedback.ses_message_id or recipient.ses_message_id
    with transaction.atomic():
        # The delivery first, as everybody locks them.
        delivery = Delivery.objects.select_for_update(of=("self",)).filter(pk=recipient.delivery_id).first()
        if delivery is None:
            return False
        changed = rows.update(
            state=state, error=error[:500], ses_message_id=ses_id, sent_at=Coalesce("sent_at", feedback.at)
        )
        if changed:
            _tell(delivery, error)
    if state != State.FAILED:
        # In a transaction of its own: it locks the endpoint, which others do before the delivery.
        _drop_if_often(delivery, recipient.address, state, said)
    return True


def _tell(delivery: Delivery, error: str) -> None:
    """Show it with the delivery. One that nobody got is dead, whatever SES said when it took the mails."""
    recipients = list(delivery.recipients.order_by("pk"))
    values: dict[str, Any] = {"response": {**delivery.response, "recipients": shown(recipients)}}
    if not any(recipient.state in {*REACHED, State.PENDING} for recipient in recipients):
        values |= {"state": Delivery.State.DEAD, "problem": ALL_BOUNCED.format(error)[:500], "finished_at": Now()}
    Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.DELIVERED).update(**values)


def _drop_if_often(delivery: Delivery, address: str, state: str, said: str) -> None:
    """Forward nothing more to an address that does not take it, and switch off an endpoint that has no other."""
    in_a_row = BOUNCES_OFTEN if state == State.COMPLAINED else _bounces_in_a_row(delivery, address)
    if in_a_row < BOUNCES_OFTEN:
        return
    reason = (COMPLAINED.format(address) if state == State.COMPLAINED else OFTEN.format(address, said))[:500]
    with transaction.atomic():
        endpoint = Endpoint.objects.select_for_update(no_key=True).filter(pk=delivery.endpoint_id).first()
        if endpoint is None:
            return
        gate, _ = EndpointGate.objects.get_or_create(endpoint=endpoint)
        gate.bounces, gate.dropped = in_a_row, {**gate.dropped, address.lower(): reason}
        gate.save(update_fields=["bounces", "dropped"])
    if all(member.lower() in gate.dropped for member in members_of(endpoint)):
        switch_off(endpoint.pk, reason)


def _bounces_in_a_row(delivery: Delivery, address: str) -> int:
    """Of the mails to this address up to this delivery. A mail in between that has not bounced ends the row.

    Later mails do not count: a mail that SES has just taken may bounce as well.
    """
    sent = ForwardRecipient.objects.filter(
        delivery__endpoint=delivery.endpoint_id, delivery__created_at__lte=delivery.created_at, address__iexact=address
    )
    newest = sent.exclude(state__in=[State.PENDING, State.FAILED]).order_by("-delivery__created_at", "-delivery")
    states = list(newest.values_list("state", flat=True)[:BOUNCES_OFTEN])
    return next((number for number, state in enumerate(states) if state != State.BOUNCED), len(states))


def dropped(endpoint: Endpoint) -> Mapping[str, str]:
    """Members that nothing is forwarded to any more, in lower case, each with a sentence."""
    gate = EndpointGate.objects.filter(endpoint=endpoint).only("dropped").first()
    return gate.dropped if gate else {}


def members_of(endpoint: Endpoint) -> list[str]:
    """The addresses that an endpoint forwards to."""
    return group_emails(endpoint.type, endpoint.config) or [endpoint.config["forwardTo"]]
