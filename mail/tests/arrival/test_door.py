"""`POST /hooks/sns`: what SNS posts becomes mail in the list, once, and nothing that somebody else posts does."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from django.db import OperationalError, connection
from django.test import Client

from inbound.tests.support.factories import DeliveryFactory
from mail.arrival import door
from mail.models import ForwardRecipient, Message
from mail.tests.arrival.arrivals import listed
from mail.tests.postbox import work
from ses_integration.arrivals import certificates
from ses_integration.aws import clients
from ses_integration.emulator.sns.posts import POSTS
from ses_integration.tests.arrivals.samples import BOUNCE, TOPIC, received
from ses_integration.tests.arrivals.sns_server import PEM, serving

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]

PATH = "/hooks/sns"
# As SNS sends it.
TEXT = "text/plain; charset=UTF-8"


@pytest.fixture
def sns(postbox, settings, monkeypatch):
    """An SNS that signs what a test tells it, for the topic that is configured."""
    settings.MAIL_SOURCE, settings.SES_TOPIC_ARN = "sns", TOPIC
    with serving() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", server.url)
        clients.forget()
        certificates.forget()
        yield server
    clients.forget()
    certificates.forget()


@pytest.fixture
def notification(postbox):
    """A notification of a mail that is in the bucket."""
    ses_id = postbox.deliver()
    return received(receipt__action__objectKey=postbox.key(ses_id), receipt__recipients=["hello@example.com"])


def post(message: Any, **headers: str) -> tuple[int, str]:
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    answer = Client(enforce_csrf_checks=True, raise_request_exception=False).post(
        PATH, body, content_type=TEXT, headers={"x-amz-sns-message-type": "Notification", **headers}
    )
    return answer.status_code, answer.content.decode()


def ses_id(notification: dict[str, Any]) -> str:
    return str(notification["receipt"]["action"]["objectKey"]).rpartition("/")[2]


@pytest.mark.parametrize("version", ["1", "2"])
def test_mail_that_sns_tells_of_is_listed(sns, notification, version):
    assert post(sns.notification(notification, version=version)) == (200, "")
    assert listed() == {(ses_id(notification), "hello@example.com")}
    assert Message.objects.get().source == "topic"


def test_mail_that_sns_tells_of_five_times_is_listed_once(sns, notification):
    message = sns.notification(notification)
    assert [post(message) for _ in range(5)] == [(200, "")] * 5
    assert listed() == {(ses_id(notification), "hello@example.com")}


def test_a_forged_message_is_refused_and_writes_nothing(sns, notification, caplog):
    forged = {**sns.notification(notification), "Message": json.dumps({**notification, "mail": {}})}
    assert post(forged) == (403, '{"error": "The signature does not fit the message."}')
    assert post(sns.notification(notification, TopicArn=TOPIC + "s"))[0] == 403
    assert post(notification)[0] == 403
    assert post(b"")[0] == 403
    assert not Message.objects.exists()
    assert "The signature does not fit the message." in caplog.text


def test_a_message_for_another_domain_writes_nothing(sns, notification):
    notification["receipt"]["recipients"] = ["hello@example.org"]
    assert post(sns.notification(notification)) == (200, "")
    key = notification["receipt"]["action"]["objectKey"]
    notification["receipt"]["action"]["objectKey"] = key.replace("indm_", "indm_other")
    assert post(sns.notification(notification)) == (200, "")
    assert not Message.objects.exists()


def test_mail_in_another_bucket_is_told_again(sns, notification):
    notification["receipt"]["action"]["bucketName"] = "another-bucket"
    assert post(sns.notification(notification))[0] == 503


@pytest.mark.parametrize("source", ["", "sqs", "sweep", "none"])
def test_without_this_source_there_is_no_door(sns, settings, notification, source):
    settings.MAIL_SOURCE = source
    assert post(sns.notification(notification)) == (404, '{"error": "Not found"}')
    assert sns.asked == []
    assert not Message.objects.exists()


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch", "options"])
def test_other_methods_are_not_allowed(sns, method):
    answer = getattr(Client(), method)(PATH)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


def test_a_long_body_is_refused_before_it_is_read(sns):
    assert post(b" " * (door.MOST_BYTES + 1))[0] == 413
    assert post(b" " * door.MOST_BYTES)[0] == 403


def test_a_failure_of_aws_lets_sns_try_again(sns, notification):
    kept = sns.files.pop(PEM)
    sns.files[PEM] = 500, b""
    message = sns.notification(notification)
    assert post(message)[0] == 503
    sns.files[PEM] = kept
    assert post(message)[0] == 200


def test_an_outage_of_the_database_lets_sns_try_again(sns, notification):
    def out(*_: object, **__: object) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    message = sns.notification(notification)
    with connection.execute_wrapper(out):
        assert post(message) == (503, '{"error": "The database is not available at the moment."}')
    assert post(message)[0] == 200


def test_a_bounce_of_nothing_here_is_accepted_and_is_no_mail(sns):
    assert post(sns.notification(BOUNCE))[0] == 200
    assert listed() == set()


def test_a_bounce_of_a_forward_is_recorded(sns):
    member = ForwardRecipient.objects.create(delivery=DeliveryFactory(), address="recipient@example.com")
    names = {"delivery": [member.delivery_id], "recipient": [str(member.pk)]}

    assert post(sns.notification({**BOUNCE, "mail": {**BOUNCE["mail"], "tags": names}}))[0] == 200

    member.refresh_from_db()
    assert (member.state, member.error) == ("bounced", "smtp; 550 5.1.1 user unknown")


def test_a_subscription_is_confirmed(sns):
    assert post(sns.confirmation(), **{"x-amz-sns-message-type": "SubscriptionConfirmation"}) == (200, "")
    assert [call["Token"] for call in sns.calls] == [["a-token"]]


def test_a_body_in_chunks_is_refused(sns, notification):
    assert post(sns.notification(notification), **{"transfer-encoding": "chunked"})[0] == 411


@pytest.mark.postgresql
@pytest.mark.parametrize("version", ["1", "2"])
def test_from_subscription_to_list_over_http(postbox, settings, live_server, version):
    settings.MAIL_SOURCE, settings.ALLOWED_HOSTS = "sns", ["*"]
    certificates.forget()
    topic = settings.SES_TOPIC_ARN
    sns = boto3.client("sns", region_name="eu-west-1", endpoint_url=postbox.aws.url)
    sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue=version)
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=live_server.url + PATH)
    assert POSTS.wait()
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsPending"] == "0"
    ses_id = postbox.deliver()
    assert POSTS.wait()
    assert listed() == {(ses_id, "hello@example.com")}
    work()
    assert Message.objects.get().state == "ingested"
