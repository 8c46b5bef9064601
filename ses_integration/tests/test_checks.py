from __future__ import annotations

import pytest
from django.core.checks import run_checks

EMULATOR = "http://127.0.0.1:5599"
SERVICES = ("_SES", "_SESV2", "_S3")


@pytest.fixture(autouse=True)
def endpoint(monkeypatch):
    """`endpoint(url, service)` sets the endpoint of one AWS service, or of all; at first it is an emulator.

    Empty is AWS itself. An empty variable counts as not set, as botocore has it.
    """

    def point(url: str, service: str = "") -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "")
        for each in SERVICES:
            monkeypatch.setenv(f"AWS_ENDPOINT_URL{each}", url if service in ("", each) else EMULATOR)

    point(EMULATOR)
    return point


def found() -> list[str]:
    messages = [message for message in run_checks() if str(message.id).startswith("ses_integration.")]
    assert all(message.hint for message in messages)
    return [str(message.id).removeprefix("ses_integration.") for message in messages]


def test_valid_configuration_has_no_messages():
    assert found() == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("AWS_REGION", "", ["W001"]),
        ("AWS_REGION", "eu-central-2", ["W004"]),
        ("AWS_REGION", "moon-1", ["W004"]),
        ("AWS_REGION", "sa-east-1", []),
        ("S3_BUCKET_NAME", "", ["W002"]),
    ],
)
def test_a_region_or_bucket_that_is_missing_or_unknown_is_reported(settings, name, value, expected):
    setattr(settings, name, value)
    assert found() == expected


def test_lambda_function_needs_the_account_id(settings):
    settings.LAMBDA_FUNCTION_NAME = "process"
    assert found() == []
    settings.AWS_ACCOUNT_ID = ""
    assert found() == ["E003"]


@pytest.mark.parametrize("service", ["", *SERVICES])
def test_on_aws_the_installation_id_must_be_set(settings, endpoint, service):
    settings.SES_CALL_SETTLE_SECONDS = 900.0
    endpoint("", service)
    assert found() == ["W005"]
    settings.INSTALLATION_ID = "mail-of-us"
    assert found() == []


@pytest.mark.parametrize("service", ["", *SERVICES])
def test_on_aws_the_settle_time_must_not_be_shorter_than_the_default(settings, endpoint, service):
    settings.INSTALLATION_ID = "mail-of-us"
    settings.SES_CALL_SETTLE_SECONDS = 899.0
    endpoint("", service)
    assert found() == ["W003"]
    settings.SES_CALL_SETTLE_SECONDS = 900.0
    assert found() == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://127.1.2.3", "http://[::1]:80/", "http://localhost:5599"])
def test_auto_setup_is_allowed_with_an_emulator_on_this_host(settings, endpoint, url):
    settings.SES_AUTO_SETUP = True
    endpoint(url)
    assert found() == []


@pytest.mark.parametrize(
    "url", ["", "http://192.0.2.1", "https://email.eu-west-1.amazonaws.com", "http://[::1", "127.0.0.1"]
)
@pytest.mark.parametrize("service", ["", *SERVICES])
def test_auto_setup_is_refused_elsewhere(settings, endpoint, url, service):
    settings.SES_AUTO_SETUP = True
    settings.INSTALLATION_ID = "mail-of-us"
    settings.SES_CALL_SETTLE_SECONDS = 900.0
    endpoint(url, service)
    assert found() == ["E005"]


TOPIC = "arn:aws:sns:eu-west-1:123456789012:mail"
QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/mail"


@pytest.mark.parametrize(
    ("source", "topic", "queue", "expected"),
    [
        ("", "", "", []),
        ("", TOPIC, QUEUE, []),
        ("", TOPIC, "", ["W007"]),
        ("", "", QUEUE, ["W006"]),
        ("sqs", TOPIC, "", ["E006"]),
        ("sqs", "", "", ["E006", "W006"]),
        ("sns", TOPIC, "", []),
        ("sns", "", "", ["E007"]),
        ("sweep", "", "", []),
        ("sweep", TOPIC, "", []),
        ("none", TOPIC, "", []),
    ],
)
def test_notifications_must_come_from_somewhere_and_arrive_somewhere(
    settings, monkeypatch, source, topic, queue, expected
):
    monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", EMULATOR)
    settings.MAIL_SOURCE, settings.SES_TOPIC_ARN, settings.SES_QUEUE_URL = source, topic, queue
    assert found() == expected


@pytest.mark.parametrize(
    ("url", "behind_proxy", "expected"),
    [
        ("", True, []),
        ("", False, ["W009"]),
        (EMULATOR, False, []),
        ("http://localstack:4566", False, ["W008"]),
        ("https://vpce-1.sns.eu-west-1.vpce.amazonaws.com", False, []),
    ],
)
def test_what_sns_posts_must_come_over_tls_and_be_checkable(settings, monkeypatch, url, behind_proxy, expected):
    settings.MAIL_SOURCE, settings.SES_TOPIC_ARN = "sns", TOPIC
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if behind_proxy else None
    monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", url)
    assert found() == expected


def test_checks_make_no_call(aws):
    found()
    assert aws.journal() == []


def test_an_empty_endpoint_of_one_service_leaves_it_at_that_of_all(settings, monkeypatch):
    settings.SES_AUTO_SETUP = True
    monkeypatch.setenv("AWS_ENDPOINT_URL", EMULATOR)
    for service in SERVICES:
        monkeypatch.setenv(f"AWS_ENDPOINT_URL{service}", "")
    assert found() == []
