"""Names that AWS gives or takes.

Their forms are those of AWS's documents: the IAM User Guide for accounts and ARNs, the Amazon S3 User Guide ("General purpose
bucket naming rules"), and the API references of SES, SNS and Lambda.
"""

from __future__ import annotations

import re
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

from inbound.configuration.forms import Form, pattern
from inbound.configuration.hosts import is_url

REGION = r"[a-z]+(?:-[a-z]+)+-[0-9]{1,2}"
ACCOUNT = r"[0-9]{12}"
# botocore asks no others without TLS.
CREDENTIAL_HOSTS = ("localhost", "169.254.170.2", "169.254.170.23", "fd00:ec2::23")
# Names that S3 keeps for itself or that look like an IP address.
RESERVED_BUCKETS = (
    r"(?!xn--|sthree-|amzn-s3-demo-)(?!.*(?:-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$)(?!(?:[0-9]+\.){3}[0-9]+$)"
)


def region() -> Form[str]:
    return pattern("the name of a region, such as eu-west-1", REGION)


def account_id() -> Form[str]:
    return pattern("the 12 digits of an account", ACCOUNT)


def bucket() -> Form[str]:
    return pattern(
        "the name of a bucket: 3 to 63 lower-case letters, digits, dots and hyphens",
        rf"{RESERVED_BUCKETS}(?!.*\.\.)[a-z0-9][a-z0-9.-]{{1,61}}[a-z0-9]",
    )


def topic_arn() -> Form[str]:
    """A standard topic: SES cannot publish to a FIFO topic, whose name ends with `.fifo`."""
    return pattern(
        "the ARN of a topic, such as arn:aws:sns:eu-west-1:123456789012:mail",
        rf"arn:aws[a-z-]*:sns:{REGION}:{ACCOUNT}:[A-Za-z0-9_-]{{1,256}}",
    )


def queue_url() -> Form[str]:
    """The URL of a standard queue: SNS does not deliver from a standard topic to a FIFO queue."""

    def parse(text: str) -> str:
        if not is_url(text) or not re.fullmatch(rf"https?://[^/]+/{ACCOUNT}/[A-Za-z0-9_-]{{1,80}}", text):
            raise ValueError
        return text

    return Form("the URL of a queue, such as https://sqs.eu-west-1.amazonaws.com/123456789012/mail", parse, unset="")


def topic_region(arn: str) -> str:
    return arn.split(":")[3] if arn else ""


def queue_region(url: str) -> str:
    """The region in the URL of a queue of AWS. Empty for other servers, such as an emulator."""
    found = re.match(rf"https?://sqs\.({REGION})\.amazonaws\.com(?:\.cn)?[:/]", url)
    return found[1] if found else ""


def function_name() -> Form[str]:
    return pattern(
        "the name of a function, not its ARN: at most 64 letters, digits, hyphens and underscores",
        r"[A-Za-z0-9_-]{1,64}(?::[A-Za-z0-9_-]{1,128}|:\$LATEST)?",
    )


def rule_set() -> Form[str]:
    return pattern(
        "1 to 64 lower-case letters, digits and hyphens, with a letter or a digit at both ends",
        r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?",
    )


def rule_prefix() -> Form[str]:
    return pattern("1 to 16 lower-case letters and digits", r"[a-z0-9]{1,16}")


def configuration_set() -> Form[str]:
    return pattern("1 to 64 letters, digits, hyphens and underscores", r"[A-Za-z0-9_-]{1,64}")


def tag_value() -> Form[str]:
    return pattern("1 to 256 letters, digits, blanks and any of _.:/=+-@", r"[\w .:/=+@-]{1,256}")


def access_key_id() -> Form[str]:
    return pattern("letters, digits and underscores", r"[A-Za-z0-9_]{1,128}", secret=True)


def credential() -> Form[str]:
    return pattern("visible ASCII characters without quotes", r"(?![\"'])[!-~]+(?<![\"'])", secret=True)


def role() -> Form[str]:
    return pattern(
        "the ARN of a role, such as arn:aws:iam::123456789012:role/mail", rf"arn:aws[a-z-]*:iam::{ACCOUNT}:role/[!-~]+"
    )


def word(*words: str) -> Form[str]:
    """One of the lower-case words that botocore knows, typed in any case."""
    return pattern(f"{', '.join(words[:-1])} or {words[-1]}", f"(?ai:{'|'.join(words)})")


def expiration() -> Form[str]:
    """When the credentials in the environment end. botocore compares it with a time that has a zone."""

    def parse(text: str) -> str:
        if not text.isascii() or not datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z"):
            raise ValueError
        return text

    return Form("a time with zone, such as 2026-01-31T12:00:00Z", parse, unset="")


def credentials_url() -> Form[str]:
    """A server that gives credentials (AWS SDKs and Tools Reference Guide, "Container credential provider")."""

    def parse(text: str) -> str:
        host = urlsplit(text).hostname or ""
        if not is_url(text) or not (
            text.lower().startswith("https:") or host in CREDENTIAL_HOSTS or _is_loopback(host)
        ):
            raise ValueError
        return text

    return Form("the URL of a server, with https unless it is this host's or container's", parse, unset="", secret=True)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def path() -> Form[str]:
    return pattern("a path that begins with /", r"/[!-~]*")


def header() -> Form[str]:
    return pattern("visible ASCII characters and blanks", r"[!-~]+(?: [!-~]+)*", secret=True)
