"""Many deliveries to receivers that behave in different ways."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from endpoints.models import Endpoint
from endpoints.services import create_endpoint
from inbound.tests.support.factories import DeliveryFactory
from mail.models import Delivery, Message, ReceivedEmail
from mail.tests.erasure.mails import write_mails
from mail.tests.postbox import Postbox
from mail.worker.worker import MailWorker


def hook(postbox: Postbox, name: str, behaviour: dict[str, Any] | None = None, **config: Any) -> Endpoint:
    """An endpoint whose receiver is the emulator's of this name."""
    if behaviour:
        postbox.aws.behave(name, **behaviour)
    config = {"url": f"{postbox.aws.url}/_hooks/{name}", "payload": "thin", **config}
    return create_endpoint(owner=postbox.domain.owner, name=name, endpoint_type=Endpoint.Type.WEBHOOK, config=config)


def fill(postbox: Postbox, endpoint: Endpoint, number: int) -> None:
    """So many deliveries to the endpoint, due now."""
    known = set(ReceivedEmail.objects.values_list("pk", flat=True))
    write_mails(postbox.domain, number)
    Message.objects.update(attachments=[], attachment_count=0)
    emails = ReceivedEmail.objects.exclude(pk__in=known)
    emails.update(disposition="routed")
    rows = [DeliveryFactory.build(received=email, endpoint=endpoint) for email in emails]
    Delivery.objects.bulk_create(rows)


def got(postbox: Postbox, name: str) -> list[str]:
    """The webhook ids of the requests that a receiver has got, without the prefix."""
    ids = [
        value
        for request in postbox.aws.hook_requests(name)
        for header, value in request["headers"].items()
        if header.lower() == "webhook-id"
    ]
    return [pk.removeprefix("msg_") for pk in ids]


def senders_left() -> list[str]:
    """Threads of a worker that were still waiting for an answer when it ended."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("the deliveries")]


@contextmanager
def running(worker: MailWorker) -> Iterator[None]:
    """Run a worker in a thread, and stop it."""

    def run() -> None:
        try:
            worker.run()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join(20)
        assert not thread.is_alive()
