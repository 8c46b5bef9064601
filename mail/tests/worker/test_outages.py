"""A running worker outlives outages of SQS, S3 and the database, says so once, and ends quickly when it is told to."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from django.db import connection

from inbound.tests.processes.support.stack import wait_for
from mail.models import Message
from mail.tests.arrival.arrivals import listed
from mail.tests.postbox import Postbox
from mail.worker.worker import MailWorker

pytestmark = [pytest.mark.postgresql]


@pytest.fixture
def worker(postbox: Postbox) -> Iterator[MailWorker]:
    # A poll that has begun keeps the time that it began with.
    postbox.hide_for(2)
    made = MailWorker()
    thread = threading.Thread(target=lambda: run(made))
    thread.start()
    yield made
    made.stop()
    thread.join(20)
    assert not thread.is_alive()
    wait_for(lambda: not ours(), within=30, what="no thread is left")


def run(worker: MailWorker) -> None:
    try:
        worker.run()
    finally:
        connection.close()


def ours() -> set[str]:
    """The threads of a worker."""
    names = ("the queue", "the ingest", "the sweep", "the erasure", "the expiry", "the claims", "the deliveries")
    return {thread.name for thread in threading.enumerate() if thread.name.startswith(names)}


def all_read(wanted: set[tuple[str, str]]) -> bool:
    return listed() == wanted and not Message.objects.exclude(state="ingested").exists()


def deliver(postbox: Postbox, number: int) -> set[tuple[str, str]]:
    return {(postbox.deliver(), "hello@example.com") for _ in range(number)}


@pytest.mark.parametrize(
    ("service", "action", "name"),
    [("sqs", "ReceiveMessage", "the queue"), ("sqs", "DeleteMessageBatch", "the queue"), ("s3", "GetObject", "S3")],
)
def test_an_outage_of_aws_is_said_once_and_outlived(
    postbox: Postbox, worker: MailWorker, caplog: pytest.LogCaptureFixture, service: str, action: str, name: str
) -> None:
    postbox.aws.add_faults({"service": service, "action": action, "fault": "fail", "times": 3})
    wanted = deliver(postbox, 4)
    wait_for(lambda: all_read(wanted), within=60, what="everything is read")
    wait_for(lambda: postbox.depth() == (0, 0), within=60, what="the queue is empty")
    said = [record.message for record in caplog.records if record.name == "mail.worker.troubles"]
    assert [text.partition(":")[0].partition(" works")[0].lower() for text in said][:1] == [name.lower()]
    assert len(said) <= 4


def test_cut_connections_to_the_database_are_replaced(postbox: Postbox, worker: MailWorker) -> None:
    wanted = deliver(postbox, 1)
    wait_for(lambda: all_read(wanted), within=60, what="the first mail is read")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        assert cursor.fetchone()[0] >= 2
    wanted |= deliver(postbox, 20)
    wait_for(lambda: all_read(wanted), within=60, what="everything is read")


def test_it_ends_within_seconds_in_the_middle_of_a_poll_and_of_a_slow_download(
    postbox: Postbox, worker: MailWorker
) -> None:
    postbox.aws.add_faults({"service": "s3", "action": "GetObject", "fault": "delay", "seconds": 15, "times": None})
    wanted = deliver(postbox, 3)
    wait_for(lambda: listed() == wanted, within=60, what="the mails are listed")
    wait_for(lambda: postbox.depth() == (0, 0), within=60, what="the queue is empty")
    began = time.monotonic()
    worker.stop()
    # What was claimed is left to others at once.
    wait_for(lambda: Message.objects.due().count() == 3, within=15, what="everything is due again")
    assert time.monotonic() - began < 12
