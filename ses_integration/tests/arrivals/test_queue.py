"""The queue: notifications are taken until they are deleted, whatever SQS answers meanwhile."""

from __future__ import annotations

import json
import time

import pytest

from ses_integration.arrivals.queue import MailQueue, QueueDepth
from ses_integration.aws import clients
from ses_integration.errors import NotConfigured, Refused, SesError, Throttled, Unanswered
from ses_integration.tests.arrivals.samples import SES_ID, received, wrapped

pytestmark = pytest.mark.sqlite_only


def received_ids(queue: MailQueue) -> list[str]:
    return [message.arrival.ses_id for message in queue.receive(0) if message.arrival]


def test_what_ses_publishes_is_taken_and_deleted(mailing):
    mailing.publish(received())
    queue = MailQueue()
    [message] = queue.receive(20)
    assert (message.arrival.ses_id, message.ignored) == (SES_ID, "")
    assert received_ids(queue) == [SES_ID]
    queue.delete([message.handle])
    assert queue.receive(0) == []


def test_without_raw_delivery_it_is_the_same(mailing):
    mailing.sqs.send_message(QueueUrl=mailing.queue, MessageBody=json.dumps(wrapped(received())))
    assert received_ids(MailQueue()) == [SES_ID]


def test_what_is_no_arrival_has_a_reason_and_can_be_deleted(mailing):
    for text in ("hello", "Successfully validated SNS topic for Amazon SES event publishing."):
        mailing.publish(text)
    queue = MailQueue()
    messages = queue.receive(0)
    assert {message.ignored for message in messages} == {"It is not JSON.", "SES has tested the topic."}
    assert [message.arrival for message in messages] == [None, None]
    queue.delete([message.handle for message in messages])
    assert queue.depth() == QueueDepth(0, 0, 0)


def test_at_most_ten_are_taken_at_once_and_any_number_is_deleted(ses, mailing):
    for _ in range(23):
        mailing.publish(received())
    queue = MailQueue()
    mailing.sqs.set_queue_attributes(QueueUrl=mailing.queue, Attributes={"VisibilityTimeout": "60"})
    batches = [queue.receive(0), queue.receive(0, most=3), queue.receive(0, most=50)]
    assert [len(batch) for batch in batches] == [10, 3, 10]
    assert queue.depth() == QueueDepth(waiting=0, in_flight=23, dead_letters=0)
    ses.clear_journal()
    queue.delete([message.handle for batch in batches for message in batch])
    sizes = [len(entry["parameters"]["Entries"]) for entry in ses.journal()]
    assert sizes == [10, 10, 3]
    assert queue.depth() == QueueDepth(0, 0, 0)


def test_nothing_to_delete_is_no_call(ses, mailing):
    MailQueue().delete([])
    assert ses.journal() == []


def test_a_message_that_cannot_be_deleted_comes_again(mailing):
    mailing.publish(received())
    queue = MailQueue()
    [message] = queue.receive(0)
    queue.delete(["forged", message.handle])
    assert queue.receive(0) == []
    queue.delete([message.handle])


def test_the_wait_of_a_long_poll_is_that_of_the_caller(mailing):
    started = time.monotonic()
    assert MailQueue().receive(1.9) == []
    assert 0.9 < time.monotonic() - started < 10


@pytest.mark.parametrize(("seconds", "sent"), [(-1, 0), (0.5, 0), (3, 3), (100, 20)])
def test_the_wait_is_one_that_sqs_takes(ses, mailing, seconds, sent):
    mailing.publish(received())
    MailQueue().receive(seconds)
    [call] = [entry for entry in ses.journal() if entry["action"] == "ReceiveMessage"]
    assert call["parameters"]["WaitTimeSeconds"] == sent


def test_a_long_poll_outlasts_the_time_limit_of_other_calls(mailing):
    assert clients.sqs("eu-west-1", poll=True).meta.config.read_timeout > 20
    assert clients.sqs("eu-west-1").meta.config.read_timeout == clients.READ_TIMEOUT
    assert clients.sns("eu-west-1").meta.config.read_timeout == clients.READ_TIMEOUT
    assert clients.s3_mail("eu-west-1").meta.config.read_timeout == clients.MAIL_READ_TIMEOUT
    assert clients.ses("eu-west-1", 1000).meta.config.read_timeout == clients.READ_TIMEOUT


def test_the_depth_includes_the_dead_letter_queue(mailing):
    mailing.sqs.send_message(QueueUrl=mailing.dead_letters, MessageBody="hello")
    mailing.publish(received())
    assert MailQueue().depth() == QueueDepth(waiting=1, in_flight=0, dead_letters=1)


@pytest.mark.parametrize("policy", ["", "null", "[]", "{}", '{"deadLetterTargetArn": 1}'])
def test_a_queue_without_a_dead_letter_queue_has_no_dead_letters(mailing, policy, monkeypatch):
    other = mailing.sqs.create_queue(QueueName="other")["QueueUrl"]
    queue = MailQueue()
    monkeypatch.setattr(queue, "_url", other)
    assert queue.depth() == QueueDepth(0, 0, 0)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [("fail", Unanswered), ("throttle", Throttled), ("page", Unanswered), ("access_denied", Refused)],
)
def test_a_failure_of_sqs_loses_nothing(ses, mailing, fault, expected):
    mailing.publish(received())
    ses.add_faults({"service": "sqs", "fault": fault, "times": 4})
    queue = MailQueue()
    for call in (lambda: queue.receive(0), lambda: queue.receive(1), lambda: queue.delete(["a"]), queue.depth):
        with pytest.raises(expected):
            call()
    assert received_ids(queue) == [SES_ID]


def test_messages_in_a_lost_answer_come_again(ses, mailing):
    mailing.publish(received())
    ses.add_faults({"service": "sqs", "action": "ReceiveMessage", "fault": "lost"})
    queue = MailQueue()
    with pytest.raises(Unanswered):
        queue.receive(0)
    assert received_ids(queue) == [SES_ID]


def test_a_lost_answer_to_a_delete_may_be_repeated(ses, mailing):
    mailing.publish(received())
    queue = MailQueue()
    handles = [message.handle for message in queue.receive(0)]
    ses.add_faults({"service": "sqs", "action": "DeleteMessageBatch", "fault": "lost"})
    with pytest.raises(Unanswered):
        queue.delete(handles)
    queue.delete(handles)
    assert queue.receive(0) == []


def test_a_missing_queue_is_a_problem_of_the_configuration(mailing):
    mailing.sqs.delete_queue(QueueUrl=mailing.queue)
    with pytest.raises(SesError, match="The queue that SES_QUEUE_URL names does not exist") as error:
        MailQueue().receive(0)
    assert error.value.needs_attention


def test_without_a_queue_there_is_nothing_to_poll(ses, settings):
    settings.SES_QUEUE_URL = ""
    with pytest.raises(NotConfigured, match="SES_QUEUE_URL is missing"):
        MailQueue()
