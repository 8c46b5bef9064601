"""System checks for SES settings that do not work together or are probably a mistake."""

from __future__ import annotations

import ipaddress
import os
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

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


def _endpoints() -> list[str]:
    """Configured endpoint of each service, empty for AWS itself."""
    everything = os.environ.get("AWS_ENDPOINT_URL", "")
    return [os.environ.get(f"AWS_ENDPOINT_URL_{service}") or everything for service in SERVICES]


def _is_loopback(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
