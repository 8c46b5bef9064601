from __future__ import annotations

import pytest
from django.core.checks import run_checks

EMULATOR = "http://127.0.0.1:5599"
SERVICES = ("", "_SES", "_SESV2", "_S3")


@pytest.fixture(autouse=True)
def endpoint(monkeypatch):
    """`endpoint(url)` sets the endpoint of the AWS services; at first an emulator."""

    def point(url: str, service: str = "") -> None:
        monkeypatch.setenv(f"AWS_ENDPOINT_URL{service}", url)

    for service in SERVICES:
        monkeypatch.delenv(f"AWS_ENDPOINT_URL{service}", raising=False)
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
        *(("SES_RULE_PREFIX", prefix, ["E001"]) for prefix in ("", "a" * 17, "In", "in-bound", "in_", "ü", "a\n")),
        *(("SES_RULE_PREFIX", prefix, []) for prefix in ("a", "a" * 16, "2x")),
        *(("SES_RULE_SET", name, ["E002"]) for name in ("", "a" * 65, "-a", "a-", "A", "a_b", "a b", "a\n")),
        *(("SES_RULE_SET", name, []) for name in ("a", "a" * 64, "a-b", "1")),
        *(("SES_REQUEST_BUDGET", seconds, ["E004"]) for seconds in (-0.1, 60.1, float("nan"), float("inf"))),
        *(("SES_REQUEST_BUDGET", seconds, []) for seconds in (0.0, 60.0)),
        *(("SES_CALLS_PER_SECOND", calls, ["E004"]) for calls in (-1.0, float("nan"), float("inf"))),
        ("SES_CALLS_PER_SECOND", 0.5, []),
        ("SES_CALL_SETTLE_SECONDS", -1.0, ["E004"]),
        ("SES_SWEEP_SECONDS", 0.0, ["E004"]),
        ("SES_DATABASE_SWEEP_SECONDS", -5.0, ["E004"]),
        ("SES_STATUS_SECONDS", 0.0, ["E004"]),
    ],
)
def test_invalid_value_is_reported(settings, name, value, expected):
    setattr(settings, name, value)
    assert found() == expected


def test_lambda_function_needs_the_account_id(settings):
    settings.LAMBDA_FUNCTION_NAME = "process"
    assert found() == []
    settings.AWS_ACCOUNT_ID = ""
    assert found() == ["E003"]


@pytest.mark.parametrize("service", SERVICES)
def test_on_aws_the_installation_id_must_be_set(settings, endpoint, service):
    settings.SES_CALL_SETTLE_SECONDS = 900.0
    endpoint("", service)
    assert found() == ["W005"]
    settings.INSTALLATION_ID = "mail-of-us"
    assert found() == []


@pytest.mark.parametrize("service", SERVICES)
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
@pytest.mark.parametrize("service", SERVICES)
def test_auto_setup_is_refused_elsewhere(settings, endpoint, url, service):
    settings.SES_AUTO_SETUP = True
    settings.INSTALLATION_ID = "mail-of-us"
    settings.SES_CALL_SETTLE_SECONDS = 900.0
    endpoint(url, service)
    assert found() == ["E005"]


def test_checks_make_no_call(aws):
    found()
    assert aws.journal() == []
