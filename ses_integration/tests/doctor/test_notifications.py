"""`ses_doctor` publishes a probe and finds out who receives it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from urllib.request import Request, urlopen

import pytest
from django.db import connection

from ses_integration.api import MailQueue
from ses_integration.arrivals.probe import probe, probe_is_recorded, record_probe
from ses_integration.conf import ses_config
from ses_integration.coordination import quotas
from ses_integration.doctor.checks.notification import check_delivered
from ses_integration.doctor.probes import notification
from ses_integration.doctor.probes.notification import Delivery, Receiver
from ses_integration.doctor.probes.response import Response
from ses_integration.tests.doctor.fixtures import calls, doctor, fault, outcome
from ses_integration.tests.doctor.test_mail import reading
from ses_integration.tests.setup.fixtures import attributes, named, queue_url, sns, sqs

__all__ = ["named", "reading"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite_only]

START = "Start `python manage.py mail_worker`."


@pytest.fixture(autouse=True)
def short_waits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no reader, there is nothing to wait for."""
    if "reader" not in request.fixturenames:
        monkeypatch.setattr(notification, "READER_SECONDS", 0.1)
        monkeypatch.setattr(notification, "LOOK_SECONDS", 1)


@pytest.fixture
def reader(reading) -> Iterator[None]:
    """A process that reads the queue as the mail worker does: what tells of no mail is deleted."""
    stop = threading.Event()

    def read() -> None:
        queue = MailQueue()
        while not stop.is_set():
            found = queue.receive(1)
            queue.delete([message.handle for message in found])
        connection.close()

    thread = threading.Thread(target=read)
    thread.start()
    yield
    stop.set()
    thread.join()


def waiting(aws) -> str:
    return str(attributes(aws)["ApproximateNumberOfMessages"])


@pytest.mark.usefixtures("reader")
def test_a_running_reader_proves_the_whole_way(reading):
    code, found = doctor()
    assert (code, found["notifications"]["outcome"]) == (0, "ok")
    assert found["notifications"]["seen"].startswith("A mail worker has received the probe, after ")


def test_without_a_reader_the_doctor_finds_and_removes_the_probe(reading):
    code, found = doctor()
    assert code == 0
    assert found["notifications"]["outcome"] == "warning"
    assert found["notifications"]["seen"].startswith("They arrive in the queue, and no mail worker took the probe")
    assert found["notifications"]["do"] == START
    assert waiting(reading) == "0"


def test_messages_of_others_stay_visible(reading):
    sqs().send_message(QueueUrl=queue_url(reading), MessageBody="a notification")
    doctor()
    assert waiting(reading) == "1"


def test_a_long_queue_is_not_searched(reading):
    for _ in range(10):
        sqs().send_message(QueueUrl=queue_url(reading), MessageBody="a notification")
    reading.clear_journal()
    _, found = doctor()
    seen = "Not proven: no mail worker took the probe, and 10 messages wait before it."
    assert outcome(found["notifications"]) == ("warning", seen, START)
    assert "ReceiveMessage" not in calls(reading, "sqs")


def test_a_probe_that_does_not_arrive_fails(reading):
    [subscription] = sns().list_subscriptions_by_topic(TopicArn=ses_config().topic_arn)["Subscriptions"]
    sns().unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    reading.clear_journal()
    code, found = doctor()
    assert code == 1
    assert found["notifications"]["seen"].startswith("The probe has not arrived within ")
    assert calls(reading, "sqs").count("ReceiveMessage") == 3


@pytest.mark.parametrize(
    ("service", "action", "severity", "seen"),
    [
        ("sns", "Publish", "warning", "Not proven: sns:Publish is not allowed to these credentials."),
        ("sqs", "ReceiveMessage", "failed", "AWS does not allow sqs:ReceiveMessage."),
    ],
)
def test_a_missing_permission_is_named(reading, service, action, severity, seen):
    fault(reading, action, "access_denied", service=service)
    _, found = doctor()
    assert (found["notifications"]["outcome"], found["notifications"]["seen"]) == (severity, seen)


def test_an_unanswered_publish_is_no_proof(reading):
    fault(reading, "Publish", "dropped", service="sns")
    assert doctor()[1]["notifications"]["seen"] == "AWS gave no answer."


def test_only_a_whole_probe_is_recorded(ses):
    quotas.rule_set_state(ses_config())
    nonce = "0123456789abcdef"
    for text in ("", nonce, json.dumps({"nonce": nonce}), probe(nonce[:15]), probe("x" * 16)):
        record_probe(text)
    assert not probe_is_recorded(nonce)
    record_probe(probe(nonce))
    assert probe_is_recorded(nonce)


def test_a_probe_in_an_sns_message_is_recorded(ses):
    quotas.rule_set_state(ses_config())
    record_probe(json.dumps({"Type": "Notification", "Message": probe("0123456789abcdef")}))
    assert probe_is_recorded("0123456789abcdef")


def announce_setup(aws) -> None:
    """Let SES store its test object, as it does in AWS."""
    urlopen(Request(f"{aws.url}/_notifications", data=b'{"setup": true}', method="POST")).close()


def test_what_ses_stores_is_read(reading):
    announce_setup(reading)
    assert outcome(doctor()[1]["stored mail"]) == ("ok", "What SES has stored can be read.", "")


def test_what_ses_stores_and_we_may_not_read_fails(reading):
    announce_setup(reading)
    # The first call is for a key that does not exist.
    fault(reading, "GetObject", "access_denied", service="s3", skip=1)
    _, found = doctor()
    assert (found["s3:GetObject"]["outcome"], found["stored mail"]["outcome"]) == ("ok", "failed")


def test_without_a_test_object_reading_is_not_tried(reading):
    assert doctor()[1]["stored mail"]["outcome"] == "skipped"


@pytest.mark.parametrize(
    ("receiver", "severity", "seen"),
    [
        (Receiver.READER, "ok", "A web process has received the probe, after 1.0 s."),
        (Receiver.NOBODY, "failed", "The probe has not arrived within 1 s."),
    ],
)
def test_posts_are_received_by_the_web_process(receiver, severity, seen):
    found = check_delivered("sns", Delivery(Response(), receiver, seconds=1.0), 0)
    assert (found.outcome, found.seen) == (severity, seen)
