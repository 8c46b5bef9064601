"""System checks for SES settings that do not work together or are probably a mistake."""

from __future__ import annotations

import ipaddress
import os
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from ses_integration.conf import mail_source

# From AWS's list of endpoints and quotas (docs/architecture/ses.md, "Regions").
RECEIVING_REGIONS = frozenset({
    "us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1", "af-south-1", "il-central-1", "me-south-1",
    "ap-south-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3",
    "eu-central-1", "eu-north-1", "eu-south-1", "eu-west-1", "eu-west-2", "eu-west-3",
})  # fmt: skip
# Seconds for which AWS may still apply a call without an answer (docs/architecture/protocol.md, "State").
SETTLE_SECONDS_ON_AWS = 900
DEFAULT_INSTALLATION = "inbound"
SERVICES = ("SES", "SESV2", "S3")


@register
def check_region_and_targets(**_: Any) -> list[CheckMessage]:
    """Check region, bucket and function."""
    found: list[CheckMessage] = []
    region = settings.AWS_REGION
    if not region:
        found.append(
            Warning(
                "AWS_REGION is missing: SES cannot be called.",
                hint="Set AWS_REGION to the region that receives your mail, such as eu-west-1.",
                id="ses_integration.W001",
            )
        )
    elif region not in RECEIVING_REGIONS:
        found.append(
            Warning(
                f"AWS_REGION is {region!r}, where SES is not known to receive mail.",
                hint="Choose another region, or ignore this if AWS receives mail there now: the list may be out of date.",
                id="ses_integration.W004",
            )
        )
    if not settings.S3_BUCKET_NAME:
        found.append(
            Warning(
                "S3_BUCKET_NAME is missing: rules can be deleted but not created or changed.",
                hint="Set S3_BUCKET_NAME to the bucket that SES stores mail in.",
                id="ses_integration.W002",
            )
        )
    if settings.LAMBDA_FUNCTION_NAME and not settings.AWS_ACCOUNT_ID:
        found.append(
            Error(
                "LAMBDA_FUNCTION_NAME is set without AWS_ACCOUNT_ID, so rules would not call the function.",
                hint="Set AWS_ACCOUNT_ID, which is part of the function's ARN, or remove LAMBDA_FUNCTION_NAME.",
                id="ses_integration.E003",
            )
        )
    return found


@register
def check_settle_time(**_: Any) -> list[CheckMessage]:
    """Warn about a settle time that is too short for AWS."""
    if settings.SES_CALL_SETTLE_SECONDS >= SETTLE_SECONDS_ON_AWS or all(_endpoints()):
        return []
    return [
        Warning(
            f"SES_CALL_SETTLE_SECONDS is {settings.SES_CALL_SETTLE_SECONDS:g}: on AWS a call without an answer may "
            "still be applied after that, and undo a later change.",
            hint=f"Leave it at {SETTLE_SECONDS_ON_AWS}. A smaller value is for an emulator (AWS_ENDPOINT_URL).",
            id="ses_integration.W003",
        )
    ]


@register
def check_installation(**_: Any) -> list[CheckMessage]:
    """Warn about the default INSTALLATION_ID: two installations with the same one would delete each other's identities."""
    if settings.INSTALLATION_ID != DEFAULT_INSTALLATION or all(_endpoints()):
        return []
    return [
        Warning(
            f"INSTALLATION_ID is {DEFAULT_INSTALLATION!r}, the default.",
            hint="Before the first domain is added, set INSTALLATION_ID to a name that no other installation in this AWS "
            "account has. After a later change, identities that are tagged with the old name would never be deleted.",
            id="ses_integration.W005",
        )
    ]


@register
def check_auto_setup(**_: Any) -> list[CheckMessage]:
    """Refuse SES_AUTO_SETUP on AWS: activating a rule set without being asked stops the mail of another one."""
    if not settings.SES_AUTO_SETUP or all(_is_loopback(endpoint) for endpoint in _endpoints()):
        return []
    return [
        Error(
            "SES_AUTO_SETUP is on, and AWS_ENDPOINT_URL is not an emulator on this machine.",
            hint="Turn SES_AUTO_SETUP off and run `python manage.py ses_setup` once.",
            id="ses_integration.E005",
        )
    ]


@register
def check_mail_source(**_: Any) -> list[CheckMessage]:
    """Check that what SES tells of stored mail arrives somewhere, and comes from somewhere."""
    source, topic, queue = mail_source(), settings.SES_TOPIC_ARN, settings.SES_QUEUE_URL
    found: list[CheckMessage] = []
    if source == "sqs" and not queue:
        found.append(
            Error(
                "MAIL_SOURCE is 'sqs', and SES_QUEUE_URL is missing.",
                hint="Set SES_QUEUE_URL to the queue that gets the notifications of the topic; ses_setup creates it.",
                id="ses_integration.E006",
            )
        )
    if source == "sns" and not topic:
        found.append(
            Error(
                "MAIL_SOURCE is 'sns', and SES_TOPIC_ARN is missing: every message at /hooks/sns would be refused.",
                hint="Set SES_TOPIC_ARN to the topic that SES notifies.",
                id="ses_integration.E007",
            )
        )
    if source == "sqs" and not topic:
        found.append(
            Warning(
                "SES_TOPIC_ARN is missing: SES notifies nobody, so the queue stays empty, and only the sweep finds mail.",
                hint="Set SES_TOPIC_ARN to the topic that the queue is subscribed to; ses_setup creates both.",
                id="ses_integration.W006",
            )
        )
    if topic and not settings.MAIL_SOURCE and not queue:
        found.append(
            Warning(
                "SES_TOPIC_ARN is set, and nothing here takes its notifications: received mail does not appear.",
                hint="Set SES_QUEUE_URL, or MAIL_SOURCE to 'sns'; or to 'none' if the topic is for another program.",
                id="ses_integration.W007",
            )
        )
    return found


@register
def check_topic_door(**_: Any) -> list[CheckMessage]:
    """Warn about a door for SNS that is open to readers, or that no message can pass."""
    if mail_source() != "sns":
        return []
    found: list[CheckMessage] = []
    endpoint = _endpoint("SNS")
    if endpoint and urlsplit(endpoint).scheme == "http" and not _is_loopback(endpoint):
        found.append(
            Warning(
                "MAIL_SOURCE is 'sns', and the endpoint of SNS is another machine without TLS: its messages are refused.",
                hint="Certificates are read from AWS, or from an emulator on this machine. Use MAIL_SOURCE=sqs.",
                id="ses_integration.W008",
            )
        )
    if not endpoint and not settings.SECURE_PROXY_SSL_HEADER:
        found.append(
            Warning(
                "MAIL_SOURCE is 'sns', and BEHIND_TLS_PROXY is off: over http, anyone on the way can read "
                "who writes to whom.",
                hint="Let a proxy with TLS receive what SNS posts, subscribe its https URL, and set BEHIND_TLS_PROXY.",
                id="ses_integration.W009",
            )
        )
    return found


def _endpoint(service: str) -> str:
    return os.environ.get(f"AWS_ENDPOINT_URL_{service}") or os.environ.get("AWS_ENDPOINT_URL", "")


def _endpoints() -> list[str]:
    """Configured endpoint of each service, empty for AWS itself."""
    return [_endpoint(service) for service in SERVICES]


def _is_loopback(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
