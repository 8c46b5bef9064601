from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from threading import Event, Thread
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from domains.models import Domain
from endpoints.models import Endpoint
from inbound.tests.support.factories import EmailAddressFactory, EndpointFactory
from mail.arrival.note import note
from mail.models import Delivery, Message, ReceivedEmail
from mail.routing.route import Disposition, Matched, Reason, Route
from ses_integration.api import MailQueue


@pytest.fixture
def domain(ses: Any, user: Any, settings: Any) -> Domain:
    """`example.com` with `hello@`, in an AWS that receives mail for it."""
    prepared = ses.prepare_mail(settings.AWS_REGION)
    settings.SES_TOPIC_ARN, settings.SES_QUEUE_URL = prepared.topic_arn, prepared.queue_url
    settings.SMTP_HOST, _, port = ses.smtp_address.rpartition(":")
    settings.SMTP_PORT = int(port)
    row = EmailAddressFactory(domain__owner=user, domain__name="example.com", address="hello@example.com")
    domain: Domain = row.domain
    return domain


@pytest.fixture
def send() -> Callable[..., tuple[int, str, str]]:
    """`send("hello@example.com", "--wait")` returns exit code, output and errors. Raises CommandError."""

    def run(*words: str) -> tuple[int, str, str]:
        out, err = StringIO(), StringIO()
        try:
            call_command("send_test_mail", *words, stdout=out, stderr=err)
        except SystemExit as end:
            return int(str(end.code)), out.getvalue(), err.getvalue()
        return 0, out.getvalue(), err.getvalue()

    return run


@pytest.fixture
def noting(domain: Domain) -> Iterator[None]:
    """A process that notes what arrives, and reads none of it."""
    yield from _worker(lambda: None)


@pytest.fixture
def reading(domain: Domain) -> Iterator[None]:
    """A process that notes what arrives, and has read it at once. It is stored only."""
    yield from _worker(lambda: _read(Route(Disposition.STORED, Reason.ADDRESS_WITHOUT_ENDPOINT)))


@pytest.fixture
def delivering(domain: Domain) -> Iterator[Endpoint]:
    """A process that notes, reads and routes what arrives, and makes no attempt: the test says what comes of deliveries."""
    endpoint = EndpointFactory(owner=domain.owner, name="CRM")

    @transaction.atomic
    def work() -> None:
        _read(Route(Disposition.ROUTED, Matched.ADDRESS, Matched.ADDRESS, endpoint.pk))
        for row in ReceivedEmail.objects.filter(deliveries=None):
            Delivery.objects.create(received=row, endpoint=endpoint, expires_at=timezone.now() + timedelta(days=3))

    yield from _worker(work, endpoint)


@pytest.fixture
def losing(domain: Domain) -> Iterator[None]:
    """A process that notes what arrives, and has not found it in the bucket."""
    missing = {"state": Message.State.MISSING, "problem": "Not found for 4 hours."}
    yield from _worker(lambda: Message.objects.update(**missing))


def _read(route: Route) -> None:
    Message.objects.update(state=Message.State.INGESTED, size=1234, parse_seconds=0.002)
    ReceivedEmail.objects.update(disposition=route.disposition, route=route.as_json())


def _worker(then: Callable[[], object], given: Any = None) -> Iterator[Any]:
    stopped = Event()

    def work() -> None:
        queue = MailQueue()
        try:
            while not stopped.is_set():
                taken = queue.receive(1)
                note([one.arrival for one in taken if one.arrival], source=Message.Source.QUEUE)
                queue.delete([one.handle for one in taken])
                then()
        finally:
            connection.close()

    thread = Thread(target=work)
    thread.start()
    yield given
    stopped.set()
    thread.join()
