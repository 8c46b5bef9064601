"""A mail worker measures the queue, so that others know its length without calling AWS."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F

from desk.state.read import read_state
from desk.state.values import Kind, Level
from inbound.tests.support.aws import calls
from mail.models import QueueLength
from mail.status.figures import Queue
from mail.status.queue import CURRENT, measure_queue, measured_queue
from ses_integration.tests.commands.run import run
from ses_integration.tests.setup.fixtures import named, queue_url, sqs
from workers.models import Worker

__all__ = ["named"]

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def queue(named):
    run("ses_setup")
    return named


def test_it_is_measured_once_for_all_workers(queue):
    sqs().send_message(QueueUrl=queue_url(queue, "inbound-mail"), MessageBody="a notification")
    measure_queue()
    assert measured_queue() == Queue(waiting=1)
    queue.clear_journal()
    measure_queue()
    assert calls(queue) == []


def test_dead_letters_need_you(queue, alive):
    sqs().send_message(QueueUrl=queue_url(queue, "inbound-mail-dead"), MessageBody="a notification")
    measure_queue()
    [finding] = read_state().findings
    assert (finding.kind, finding.level, finding.what) == (
        Kind.QUEUE,
        Level.NEEDS_YOU,
        "1 notification in the dead-letter queue",
    )


def test_a_queue_that_does_not_exist_needs_you(named, alive):
    measure_queue()
    [finding] = read_state().findings
    assert (finding.kind, finding.why) == (Kind.QUEUE, "The queue that SES_QUEUE_URL names does not exist.")


def test_an_old_length_says_nothing(queue):
    measure_queue()
    QueueLength.objects.update(measured_at=F("measured_at") - CURRENT - timedelta(seconds=1))
    assert measured_queue() is None


def test_a_worker_that_does_not_measure_it_needs_somebody(queue, alive):
    assert read_state().is_settled
    Worker.objects.update(started_at=F("started_at") - CURRENT - timedelta(seconds=1))
    [*_, finding] = [one for one in read_state().findings if one.kind is Kind.QUEUE]
    assert (finding.level, finding.why) == (
        Level.NEEDS_YOU,
        "No mail_worker has measured it, although one runs.",
    )


def test_without_a_queue_nothing_is_measured(ses):
    measure_queue()
    assert (measured_queue(), QueueLength.objects.count(), calls(ses)) == (None, 0, [])
