"""The bucket that SES stores mail in: its client, and the listing of versions a page at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ses_integration.aws import clients
from ses_integration.aws.translate import NOT_CONFIGURED, aws_errors
from ses_integration.conf import ses_config
from ses_integration.errors import NotConfigured

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEYS_PER_CALL = 1000  # S3 API Reference, ListObjectVersions and DeleteObjects


def open_bucket(bucket: str = "", *, seconds: float = clients.READ_TIMEOUT) -> tuple[S3Client, str]:
    """A client whose calls take at most `seconds`, and the name of the bucket: the configured one if `bucket` is empty.

    Raises NotConfigured if the region, the credentials or the bucket are missing.
    """
    config = ses_config()
    if not clients.configured():
        raise NotConfigured(NOT_CONFIGURED)
    if not (bucket or config.bucket):
        raise NotConfigured("S3_BUCKET_NAME is missing.")
    return clients.s3(config.region, seconds), bucket or config.bucket


def list_versions(
    s3: S3Client,
    bucket: str,
    prefix: str,
    *,
    after: tuple[str, str] = ("", ""),
    at_most: int | None = None,
    delimiter: str = "",
) -> Any:
    """One page of the versions and delete markers under `prefix`, as S3 answers; by default of 1,000. Raises SesError.

    `after` is the key and the version behind which the page begins. With a `delimiter`, what is below it is folded into
    `CommonPrefixes`.
    """
    key, version = after
    start = {**({"KeyMarker": key} if key else {}), **({"VersionIdMarker": version} if version else {})}
    options: Any = start | ({"Delimiter": delimiter} if delimiter else {})
    with aws_errors(f"ListObjectVersions {prefix}"):
        return s3.list_object_versions(Bucket=bucket, Prefix=prefix, MaxKeys=at_most or KEYS_PER_CALL, **options)
