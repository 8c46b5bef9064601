"""Factories for rows. They commit, and the signal receivers run as in production."""

from __future__ import annotations

from datetime import timedelta

import factory
from django.contrib.auth import get_user_model
from django.utils import timezone
from factory.django import DjangoModelFactory

from addresses.models import BlockedEmail, DeletedAddress, EmailAddress
from domains.models import DnsRecord, Domain
from endpoints.models import Endpoint
from endpoints.webhooks import sealing
from mail.models import Delivery, Message, ReceivedEmail
from rest.ids import bare_id
from workers.models import Worker, WorkerKind

# The signing secret of webhooks.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class UserFactory(DjangoModelFactory):
    class Meta:
        model = get_user_model()

    username = factory.Sequence("user{}".format)


class EndpointFactory(DjangoModelFactory):
    class Meta:
        model = Endpoint

    owner = factory.SubFactory(UserFactory)
    name = "Main"
    type = Endpoint.Type.WEBHOOK
    config = factory.LazyFunction(lambda: {"url": "https://hooks.example.org/mail", "timeout": 30})
    sealed_secret = factory.LazyAttribute(lambda row: sealing.seal(SECRET) if row.type == "webhook" else "")


class DomainFactory(DjangoModelFactory):
    class Meta:
        model = Domain

    owner = factory.SubFactory(UserFactory)
    name = factory.Sequence("d{}.example.com".format)
    status = Domain.Status.VERIFIED
    unverified_since = factory.LazyAttribute(lambda it: None if it.status == Domain.Status.VERIFIED else timezone.now())


class DnsRecordFactory(DjangoModelFactory):
    class Meta:
        model = DnsRecord

    domain = factory.SubFactory(DomainFactory)
    record_type = DnsRecord.Type.TXT
    name = factory.LazyAttribute(lambda record: record.domain.name)
    value = factory.Sequence("value-{}".format)


class EmailAddressFactory(DjangoModelFactory):
    class Meta:
        model = EmailAddress

    domain = factory.SubFactory(DomainFactory)
    address = factory.LazyAttributeSequence(lambda row, n: f"a{n}@{row.domain.name}")


class DeletedAddressFactory(DjangoModelFactory):
    """The tombstone of an address that was deleted a day ago and can be restored for another day."""

    class Meta:
        model = DeletedAddress

    id = factory.LazyFunction(bare_id)
    domain = factory.SubFactory(DomainFactory)
    address = factory.LazyAttributeSequence(lambda row, n: f"t{n}@{row.domain.name}")
    is_active = True
    created_at = factory.LazyFunction(lambda: timezone.now() - timedelta(days=9))
    deleted_at = factory.LazyFunction(lambda: timezone.now() - timedelta(days=1))
    restorable_until = factory.LazyFunction(lambda: timezone.now() + timedelta(days=1))


class BlockedEmailFactory(DjangoModelFactory):
    class Meta:
        model = BlockedEmail

    domain = factory.SubFactory(DomainFactory)
    email_address = factory.LazyAttributeSequence(lambda row, n: f"b{n}@{row.domain.name}")


class MessageFactory(DjangoModelFactory):
    """A mail that has been ingested. Its object is not in the bucket; `store_mail(message.key)` puts it there."""

    class Meta:
        model = Message

    domain = factory.SubFactory(DomainFactory)
    bucket = "inbound-mail"
    ses_id = factory.Sequence("ses{:06}".format)
    key = factory.LazyAttribute(lambda row: f"{row.domain.key_prefix}{row.ses_id}")
    size = 1000
    source = Message.Source.QUEUE
    state = Message.State.INGESTED
    retry_at = None
    arrived_at = factory.LazyFunction(timezone.now)
    subject = "Hello"
    from_address = "jo@example.net"


class ReceivedEmailFactory(DjangoModelFactory):
    class Meta:
        model = ReceivedEmail

    message = factory.SubFactory(MessageFactory)
    domain = factory.LazyAttribute(lambda row: row.message.domain)
    owner = factory.LazyAttribute(lambda row: row.message.domain.owner)
    recipient = factory.LazyAttributeSequence(lambda row, n: f"r{n}@{row.domain.name}")
    arrived_at = factory.LazyAttribute(lambda row: row.message.arrived_at)


class DeliveryFactory(DjangoModelFactory):
    """A delivery that is due now, of the mail of a domain to an endpoint of its owner."""

    class Meta:
        model = Delivery

    received = factory.SubFactory(ReceivedEmailFactory, disposition="routed")
    endpoint = factory.SubFactory(EndpointFactory, owner=factory.SelfAttribute("..received.owner"))
    endpoint_name = factory.LazyAttribute(lambda row: row.endpoint.name)
    # SQLite's clock has only milliseconds, so it is not due now.
    retry_at = factory.LazyFunction(lambda: timezone.now() - timedelta(seconds=1))
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=3))
    created_at = factory.LazyFunction(timezone.now)


class WorkerFactory(DjangoModelFactory):
    """A worker that is alive."""

    class Meta:
        model = Worker

    kind = WorkerKind.SES
    host = "web01"
    pid = factory.Sequence(int)
    version = "1.0.0"
    started_at = factory.LazyFunction(timezone.now)
    last_round_at = factory.LazyFunction(timezone.now)
