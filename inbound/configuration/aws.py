"""Names that AWS gives or takes.

Their forms are those of AWS's documents: the IAM User Guide for accounts and ARNs, the Amazon S3 User Guide ("General purpose
bucket naming rules"), and the API references of SES, SNS and Lambda.
"""

from __future__ import annotations

from inbound.configuration.forms import Form, pattern

REGION = r"[a-z]+(?:-[a-z]+)+-[0-9]{1,2}"
ACCOUNT = r"[0-9]{12}"
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


def tag_value() -> Form[str]:
    return pattern("1 to 256 letters, digits, blanks and any of _.:/=+-@", r"[\w .:/=+@-]{1,256}")


def access_key_id() -> Form[str]:
    return pattern("letters, digits and underscores", r"[A-Za-z0-9_]{1,128}", secret=True)


def credential() -> Form[str]:
    return pattern("visible ASCII characters without quotes", r"(?![\"'])[!-~]+(?<![\"'])", secret=True)
