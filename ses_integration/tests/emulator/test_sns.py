"""Subscriptions over HTTP, and what SNS sends them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509 import load_pem_x509_certificate

from ses_integration.emulator.server import Emulator
from ses_integration.emulator.sns.posts import POSTS
from ses_integration.tests.emulator.clients import client, control, refusal
from ses_integration.tests.emulator.receiving.inbox import RAW

pytestmark = pytest.mark.sqlite_only


@dataclass
class Subscriber:
    """An HTTP server that keeps what is posted, and answers with the next of `statuses`, or 200."""

    url: str = ""
    posts: Queue[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=Queue)
    statuses: list[int] = field(default_factory=list)
    # Answers wait for it.
    answering: Event = field(default_factory=Event)

    def next(self) -> tuple[dict[str, str], dict[str, Any]]:
        return self.posts.get(timeout=10)


@pytest.fixture
def subscriber() -> Iterator[Subscriber]:
    found = Subscriber()
    found.answering.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.posts.put(({name.lower(): value for name, value in self.headers.items()}, json.loads(body)))
            found.answering.wait(20)
            self.send_response(found.statuses.pop(0) if found.statuses else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}/hooks/sns"
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def sns(emulator: Emulator) -> Any:
    return client("sns", emulator.url)


@pytest.fixture
def topic(sns: Any) -> str:
    arn: str = sns.create_topic(Name="inbound-mail")["TopicArn"]
    return arn


@pytest.fixture
def subscribed(sns: Any, topic: str, subscriber: Subscriber) -> Subscriber:
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=subscriber.url)
    sns.confirm_subscription(TopicArn=topic, Token=subscriber.next()[1]["Token"])
    return subscriber


def fetched(url: str) -> bytes:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=10)
    connection.request("GET", f"{parts.path}?{parts.query}")
    response = connection.getresponse()
    body = response.read()
    connection.close()
    assert response.status == 200
    return body


def is_signed(message: dict[str, Any]) -> bool:
    """Verify as the SNS Developer Guide says, with nothing of the emulator's own."""
    names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    if message["Type"] == "Notification":
        names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    text = "".join(f"{name}\n{message[name]}\n" for name in names if name in message)
    key = load_pem_x509_certificate(fetched(message["SigningCertURL"])).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    digest = {"1": hashes.SHA1(), "2": hashes.SHA256()}[message["SignatureVersion"]]  # noqa: S303
    try:
        key.verify(base64.b64decode(message["Signature"]), text.encode(), padding.PKCS1v15(), digest)
    except InvalidSignature:
        return False
    return True


def test_a_subscription_gets_messages_once_it_is_confirmed(sns: Any, topic: str, subscriber: Subscriber) -> None:
    answer = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=subscriber.url)
    assert answer["SubscriptionArn"] == "pending confirmation"
    headers, message = subscriber.next()
    assert headers["x-amz-sns-message-type"] == message["Type"] == "SubscriptionConfirmation"
    assert headers["x-amz-sns-topic-arn"] == message["TopicArn"] == topic
    assert headers["content-type"] == "text/plain; charset=UTF-8"
    assert "x-amz-sns-subscription-arn" not in headers
    assert is_signed(message)
    assert refusal(sns.confirm_subscription, TopicArn=topic, Token="wrong").code == "InvalidParameter"
    sns.publish(TopicArn=topic, Message="too early")
    [listed] = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert listed["SubscriptionArn"] == "PendingConfirmation"
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert (attributes["SubscriptionsPending"], attributes["SubscriptionsConfirmed"]) == ("1", "0")
    arn = sns.confirm_subscription(TopicArn=topic, Token=message["Token"])["SubscriptionArn"]
    sns.publish(TopicArn=topic, Message="hello", Subject="Subject")
    headers, message = subscriber.next()
    assert (message["Message"], message["Subject"], message["Type"]) == ("hello", "Subject", "Notification")
    assert headers["x-amz-sns-subscription-arn"] == arn
    assert headers["x-amz-sns-message-id"] == message["MessageId"]


def test_the_link_in_the_message_confirms_as_well(sns: Any, topic: str, subscriber: Subscriber) -> None:
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=subscriber.url)
    assert b"<SubscriptionArn>arn:aws:sns:" in fetched(subscriber.next()[1]["SubscribeURL"])
    sns.publish(TopicArn=topic, Message="hello")
    assert subscriber.next()[1]["Message"] == "hello"


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("subject", [{}, {"Subject": "A subject"}])
def test_the_signature_verifies_and_not_after_a_changed_byte(
    sns: Any, topic: str, subscribed: Subscriber, version: str, subject: dict[str, str]
) -> None:
    if version == "2":
        sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue="2")
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SignatureVersion"] == version
    sns.publish(TopicArn=topic, Message="hällo\n{}", **subject)
    _, message = subscribed.next()
    assert message["SignatureVersion"] == version
    assert is_signed(message)
    for name in ("Message", "MessageId", "Subject", "Timestamp", "TopicArn"):
        assert not is_signed({**message, name: f"{message.get(name, '')}x"})
    assert is_signed({**message, "UnsubscribeURL": "changed"})


def test_the_certificate_is_the_same_for_all_messages(sns: Any, topic: str, subscribed: Subscriber) -> None:
    for _ in range(2):
        sns.publish(TopicArn=topic, Message="hello")
    urls = {subscribed.next()[1]["SigningCertURL"] for _ in range(2)}
    assert len(urls) == 1
    path = urlsplit(urls.pop()).path
    assert re.fullmatch(r"/SimpleNotificationService-[0-9a-f]{32}\.pem", path)


def test_a_received_mail_is_posted(sns: Any, topic: str, subscribed: Subscriber, emulator: Emulator) -> None:
    emulator.prepare("eu-west-1", rule_set="set", bucket="mail")
    region = emulator.region("eu-west-1")
    region.identities.create("example.com", dkim=False)
    stored = {"S3Action": {"BucketName": "mail", "TopicArn": topic}}
    region.rules.create_receipt_rule("set", {"Name": "rule", "Enabled": True, "Actions": [stored]})
    control(emulator.url, "POST", "/_notifications", {"duplicate": 2})
    [ses_id] = emulator.deliver("a@b.example", ["x@example.com"], RAW)
    posted = [subscribed.next()[1] for _ in range(2)]
    assert posted[0]["MessageId"] == posted[1]["MessageId"]
    assert posted[0]["Subject"] == "Amazon SES Email Receipt Notification"
    assert json.loads(posted[0]["Message"])["mail"]["messageId"] == ses_id
    assert is_signed(posted[0])


def test_a_subscription_that_is_not_raw_gets_the_envelope_in_the_queue(
    sns: Any, topic: str, emulator: Emulator
) -> None:
    sqs = client("sqs", emulator.url)
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)["SubscriptionArn"]
    sns.publish(TopicArn=topic, Message="first")
    sns.set_subscription_attributes(
        SubscriptionArn=subscription, AttributeName="RawMessageDelivery", AttributeValue="true"
    )
    sns.publish(TopicArn=topic, Message="second")
    found = [message["Body"] for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]]
    envelope = json.loads(found[0])
    assert (envelope["Message"], is_signed(envelope), found[1]) == ("first", True, "second")


@pytest.mark.parametrize(
    ("statuses", "attempts", "given_up"), [([500, 503, 429], 4, 0), ([500] * 4, 4, 1), ([403], 1, 1)]
)
def test_a_message_is_repeated_three_times_after_a_failure(
    sns: Any, topic: str, subscribed: Subscriber, statuses: list[int], attempts: int, given_up: int
) -> None:
    assert POSTS.wait()
    before = POSTS.given_up
    subscribed.statuses.extend(statuses)
    sns.publish(TopicArn=topic, Message="hello")
    assert len({subscribed.next()[1]["MessageId"] for _ in range(attempts)}) == 1
    assert POSTS.wait()
    assert (POSTS.given_up - before, subscribed.posts.qsize()) == (given_up, 0)


def test_a_subscriber_that_does_not_answer_holds_up_nobody_after_a_reset(
    sns: Any, subscriber: Subscriber, emulator: Emulator
) -> None:
    subscriber.answering.clear()
    for _ in range(2):
        topic = sns.create_topic(Name="inbound-mail")["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=subscriber.url)
        assert subscriber.next()[1]["Type"] == "SubscriptionConfirmation"
        emulator.reset()
    subscriber.answering.set()


def test_refusals_have_the_codes_of_sns(sns: Any, topic: str, emulator: Emulator) -> None:
    assert refusal(sns.get_topic_attributes, TopicArn=f"{topic}-unknown").code == "NotFound"
    wrong = refusal(sns.subscribe, TopicArn=topic, Protocol="https", Endpoint="http://127.0.0.1/")
    assert wrong.code == "InvalidParameter"
    emulator.add_faults({"service": "sns", "action": "Publish", "fault": "access_denied"})
    assert refusal(sns.publish, TopicArn=topic, Message="x").code == "AuthorizationError"
    emulator.add_faults({"service": "sns", "fault": "throttle"})
    assert refusal(sns.subscribe, TopicArn=topic, Protocol="http", Endpoint="http://127.0.0.1/").code == "Throttling"
    entries = [(entry["action"], entry["applied"]) for entry in emulator.journal() if entry["service"] == "sns"]
    assert entries[-2:] == [("Publish", False), ("Subscribe", False)]
