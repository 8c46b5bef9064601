"""Receiving and deleting messages."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest

from ses_integration.emulator.server import Emulator
from ses_integration.emulator.sqs.queue import polls
from ses_integration.tests.emulator.clients import REGION, client, refusal

pytestmark = pytest.mark.sqlite_only


@pytest.fixture
def sqs(emulator: Emulator) -> Any:
    return client("sqs", emulator.url)


@pytest.fixture
def queue(sqs: Any) -> str:
    url: str = sqs.create_queue(QueueName="mail", Attributes={"VisibilityTimeout": "120"})["QueueUrl"]
    return url


def bodies(answer: Any) -> list[str]:
    return [message["Body"] for message in answer.get("Messages", [])]


def counts(sqs: Any, queue: str) -> tuple[int, int]:
    """How many messages are waiting, and how many are in flight."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return int(found[names[0]]), int(found[names[1]])


def wait_until_polling() -> None:
    """Wait until a client waits for a message."""
    until = time.monotonic() + 10
    while not polls():
        assert time.monotonic() < until
        threading.Event().wait(0.001)


def test_a_received_message_is_hidden_until_it_is_deleted(sqs: Any, queue: str) -> None:
    for number in range(12):
        sqs.send_message(QueueUrl=queue, MessageBody=str(number))
    first = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"])["Messages"]
    assert [message["Body"] for message in first] == list(map(str, range(10)))
    assert {message["Attributes"]["ApproximateReceiveCount"] for message in first} == {"1"}
    assert counts(sqs, queue) == (2, 10)
    entries = [{"Id": message["Body"], "ReceiptHandle": message["ReceiptHandle"]} for message in first]
    assert len(sqs.delete_message_batch(QueueUrl=queue, Entries=entries)["Successful"]) == 10
    assert counts(sqs, queue) == (2, 0)
    # Deleting again succeeds.
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=first[0]["ReceiptHandle"])
    assert bodies(sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)) == ["10", "11"]
    assert bodies(sqs.receive_message(QueueUrl=queue)) == []


def test_a_message_can_be_given_back(sqs: Any, queue: str) -> None:
    sqs.send_message(QueueUrl=queue, MessageBody="a")
    [message] = sqs.receive_message(QueueUrl=queue)["Messages"]
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    [again] = sqs.receive_message(QueueUrl=queue, MessageSystemAttributeNames=["ApproximateReceiveCount"])["Messages"]
    assert again["Attributes"] == {"ApproximateReceiveCount": "2"}
    entry = {"Id": "1", "ReceiptHandle": again["ReceiptHandle"], "VisibilityTimeout": 0}
    assert sqs.change_message_visibility_batch(QueueUrl=queue, Entries=[entry])["Successful"] == [{"Id": "1"}]
    assert counts(sqs, queue) == (1, 0)


def test_an_old_handle_deletes_too(sqs: Any, queue: str) -> None:
    sqs.send_message(QueueUrl=queue, MessageBody="a")
    handles = [
        sqs.receive_message(QueueUrl=queue, VisibilityTimeout=0)["Messages"][0]["ReceiptHandle"] for _ in range(2)
    ]
    assert len(set(handles)) == 2
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=handles[0])
    assert counts(sqs, queue) == (0, 0)


def test_a_message_received_too_often_moves_to_the_dead_letter_queue(sqs: Any, emulator: Emulator) -> None:
    prepared = emulator.prepare_mail(REGION)
    sqs.send_message(QueueUrl=prepared.queue_url, MessageBody="poison")
    for _ in range(10):
        assert bodies(sqs.receive_message(QueueUrl=prepared.queue_url, VisibilityTimeout=0)) == ["poison"]
    assert bodies(sqs.receive_message(QueueUrl=prepared.queue_url)) == []
    assert bodies(sqs.receive_message(QueueUrl=prepared.dead_letter_url)) == ["poison"]


def test_errors_have_the_codes_of_sqs(sqs: Any, queue: str) -> None:
    assert refusal(sqs.receive_message, QueueUrl=f"{queue}-unknown").code == "AWS.SimpleQueueService.NonExistentQueue"
    assert refusal(sqs.delete_message, QueueUrl=queue, ReceiptHandle="x").code == "ReceiptHandleIsInvalid"
    assert refusal(sqs.receive_message, QueueUrl=queue, MaxNumberOfMessages=11).code == "InvalidParameterValue"
    batch = refusal(sqs.delete_message_batch, QueueUrl=queue, Entries=[])
    assert batch.code == "AWS.SimpleQueueService.EmptyBatchRequest"


def test_setting_an_attribute_keeps_the_policy(sqs: Any, queue: str) -> None:
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:*"}]}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "30"})
    found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert (found["VisibilityTimeout"], json.loads(found["Policy"])) == ("30", policy)


def test_a_purged_queue_is_empty(sqs: Any, queue: str) -> None:
    sqs.send_message(QueueUrl=queue, MessageBody="a")
    sqs.purge_queue(QueueUrl=queue)
    assert counts(sqs, queue) == (0, 0)


def test_a_long_poll_ends_when_a_message_arrives_and_holds_up_nobody(sqs: Any, queue: str) -> None:
    with ThreadPoolExecutor(1) as pool:
        poll = pool.submit(sqs.receive_message, QueueUrl=queue, WaitTimeSeconds=20)
        wait_until_polling()
        assert counts(sqs, queue) == (0, 0)
        sqs.send_message(QueueUrl=queue, MessageBody="a")
        assert bodies(poll.result(timeout=10)) == ["a"]


@pytest.mark.parametrize("ending", ["reset", "stop"])
def test_a_long_poll_ends_with_a_reset_and_when_the_emulator_stops(emulator: Emulator, ending: str) -> None:
    other = Emulator()
    other.start()
    sqs = client("sqs", other.url)
    url = sqs.create_queue(QueueName="mail")["QueueUrl"]
    with ThreadPoolExecutor(1) as pool:
        poll = pool.submit(sqs.receive_message, QueueUrl=url, WaitTimeSeconds=20)
        wait_until_polling()
        getattr(other, ending)()
        assert bodies(poll.result(timeout=10)) == []
    other.stop()


def test_a_client_that_has_gone_takes_no_message_along(sqs: Any, queue: str, emulator: Emulator) -> None:
    address = urlsplit(emulator.url)
    body = b'{"QueueUrl": "%s", "WaitTimeSeconds": 20}' % queue.encode()
    head = (
        f"POST / HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: application/x-amz-json-1.0\r\n"
        f"X-Amz-Target: AmazonSQS.ReceiveMessage\r\nContent-Length: {len(body)}\r\n"
        f"Authorization: AWS4-HMAC-SHA256 Credential=a/20261126/{REGION}/sqs/aws4_request\r\n\r\n"
    )
    with socket.create_connection((address.hostname, address.port)) as killed:
        killed.sendall(head.encode() + body)
        wait_until_polling()
    sqs.send_message(QueueUrl=queue, MessageBody="a")
    assert bodies(sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)) == ["a"]


def test_no_message_is_lost_or_received_twice_by_many_clients(sqs: Any, queue: str) -> None:
    """moto loses those that arrive during a deletion."""
    found: list[str] = []

    def receive() -> None:
        while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1).get(
            "Messages"
        ):
            found.extend(message["Body"] for message in messages)
            entries = [{"Id": message["Body"], "ReceiptHandle": message["ReceiptHandle"]} for message in messages]
            sqs.delete_message_batch(QueueUrl=queue, Entries=entries)

    with ThreadPoolExecutor(4) as pool:
        receiving = [pool.submit(receive) for _ in range(3)]
        for number in range(300):
            sqs.send_message(QueueUrl=queue, MessageBody=str(number))
        for each in receiving:
            each.result()
    assert sorted(found, key=int) == list(map(str, range(300)))
    assert counts(sqs, queue) == (0, 0)


@pytest.mark.parametrize("fault", ["lost", "dropped", "throttle", "fail", "access_denied", "error", "delay"])
@pytest.mark.parametrize("action", ["ReceiveMessage", "DeleteMessage"])
def test_faults_meet_the_calls_of_sqs(sqs: Any, queue: str, emulator: Emulator, fault: str, action: str) -> None:
    sqs.send_message(QueueUrl=queue, MessageBody="a")
    calls: dict[str, Callable[[], Any]] = {"ReceiveMessage": lambda: sqs.receive_message(QueueUrl=queue)}
    if action == "DeleteMessage":
        handle = sqs.receive_message(QueueUrl=queue)["Messages"][0]["ReceiptHandle"]
        calls[action] = lambda: sqs.delete_message(QueueUrl=queue, ReceiptHandle=handle)
    emulator.add_faults({"service": "sqs", "action": action, "fault": fault, "seconds": 0.01, "code": "OverLimit"})
    try:
        calls[action]()
        failed = False
    except Exception:
        failed = True
    assert failed == (fault != "delay")
    [entry] = [entry for entry in emulator.journal() if entry["action"] == action][-1:]
    assert (entry["service"], entry["applied"]) == ("sqs", fault in ("lost", "delay"))
    assert entry["parameters"]["QueueUrl"] == queue


@pytest.mark.parametrize(
    ("fault", "code"),
    [("throttle", "RequestThrottled"), ("fail", "InternalFailure"), ("access_denied", "AccessDeniedException")],
)
def test_refusals_have_the_codes_of_sqs(sqs: Any, queue: str, emulator: Emulator, fault: str, code: str) -> None:
    emulator.add_faults({"service": "sqs", "fault": fault})
    assert refusal(sqs.receive_message, QueueUrl=queue).code == code
