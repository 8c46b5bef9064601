"""Many mails of one domain, written quickly."""

from __future__ import annotations

from domains.models import Domain
from inbound.tests.support.factories import MessageFactory
from mail.models import Message, ReceivedEmail


def write_mails(domain: Domain, number: int, *, recipients: int = 1) -> None:
    """Each of 1,000 bytes, with two attachments."""
    rows = [MessageFactory.build(domain=domain, attachment_count=2) for _ in range(number)]
    messages = Message.objects.bulk_create(rows)
    ReceivedEmail.objects.bulk_create(
        ReceivedEmail(
            message=message,
            domain=domain,
            owner=domain.owner,
            recipient=f"r{number}@{domain.name}",
            arrived_at=message.arrived_at,
        )
        for message in messages
        for number in range(recipients)
    )
