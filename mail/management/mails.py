"""What `mail_show --json` says of a mail: in the API's words, and what only operators may know."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch

from mail.api.deliveries.serializers import LoggedDeliverySerializer, with_log
from mail.models import Delivery, Message, ReceivedEmail
from mail.shapes import security
from mail.status.outcome import outcome, with_newest_delivery
from rest.fields import timestamp_or_none


def as_values(message: Message, *, with_text: bool) -> dict[str, Any]:
    """Needs four statements: the recipients, their deliveries, attempts and forwards."""
    rows = with_newest_delivery(message.received_emails.select_related("message").order_by("recipient"))
    emails = rows.prefetch_related(Prefetch("deliveries", with_log(Delivery.objects.all())))
    return {
        "sesMessageId": message.ses_id,
        "domain": message.domain.name,
        "state": message.state,
        "messageId": message.rfc_id or None,
        "subject": message.subject or None,
        "from": message.from_address or None,
        "fromName": message.from_name or None,
        "envelopeFrom": message.envelope_from or None,
        "arrivedAt": timestamp_or_none(message.arrived_at),
        "notedAt": timestamp_or_none(message.noted_at),
        "source": message.source,
        "security": security(message),
        "bucketName": message.bucket,
        "objectKey": message.key,
        "size": message.size,
        "readAt": timestamp_or_none(message.ingested_at),
        "attempts": message.attempts,
        "nextAttemptAt": timestamp_or_none(message.retry_at),
        "attachmentCount": message.attachment_count,
        "truncated": message.truncated,
        "parseError": message.parse_error or None,
        "problem": message.problem or None,
        "erasedAt": timestamp_or_none(message.erased_at),
        **({"textBody": message.text or None} if with_text else {}),
        "emails": [_email(email) for email in emails],
    }


def _email(email: ReceivedEmail) -> dict[str, Any]:
    return {
        "id": email.pk,
        "recipient": email.recipient or None,
        "status": outcome(email),
        "route": email.route or None,
        "deliveries": LoggedDeliverySerializer(email.deliveries.all(), many=True).data,
    }
