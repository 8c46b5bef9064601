"""Mail with its rows and its object."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from domains.models import Domain
from inbound.tests.support.aws import store_mail
from inbound.tests.support.factories import MessageFactory, ReceivedEmailFactory
from mail.models import Message, ReceivedEmail


def received(domain: Domain, **values: Any) -> ReceivedEmail:
    """A stored mail for one recipient."""
    email: ReceivedEmail = ReceivedEmailFactory(message=MessageFactory(domain=domain, **values))
    store_mail(email.message.key)
    return email


def write_mails(domain: Domain, number: int, *, recipients: int = 1) -> None:
    """Only rows, quickly: mails of 1,000 bytes, with two attachments each."""
    rows = [MessageFactory.build(domain=domain, attachment_count=2) for _ in range(number)]
    ReceivedEmail.objects.bulk_create(
        ReceivedEmail(
            message=message,
            domain=domain,
            owner=domain.owner,
            recipient=f"r{number}@{domain.name}",
            arrived_at=message.arrived_at,
        )
        for message in Message.objects.bulk_create(rows)
        for number in range(recipients)
    )


def make_due() -> None:
    """Let the time pass until every mail that is being erased is due."""
    Message.objects.filter(state=Message.State.ERASING).update(retry_at=timezone.now() - timedelta(seconds=1))
