from __future__ import annotations

from collections.abc import Callable, Iterator
from io import StringIO
from threading import Event, Thread
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from domains.models import Domain
from inbound.tests.support.factories import EmailAddressFactory
from mail.arrival.note import note
from mail.models import Message
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
    """A process that notes what arrives, and has read it at once."""
    read = {"state": Message.State.INGESTED, "size": 1234, "parse_seconds": 0.002}
    yield from _worker(lambda: Message.objects.update(**read))


@pytest.fixture
def losing(domain: Domain) -> Iterator[None]:
    """A process that notes what arrives, and has not found it in the bucket."""
    missing = {"state": Message.State.MISSING, "problem": "Not found for 4 hours."}
    yield from _worker(lambda: Message.objects.update(**missing))


def _worker(then: Callable[[], object]) -> Iterator[None]:
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
    yield
    stopped.set()
    thread.join()
