"""The bucket that SES stores mail in: a client for it, and its objects and versions page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ses_integration.aws import clients
from ses_integration.aws.translate import aws_errors
from ses_integration.conf import ses_config
from ses_integration.errors import NotConfigured

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEYS_PER_CALL = 1000  # S3 API Reference, ListObjectVersions and DeleteObjects


def open_bucket(bucket: str = "", *, seconds: float = clients.READ_TIMEOUT) -> tuple[S3Client, str]:
    """Return a client, which waits up to `seconds` for each answer, and the name of the bucket, by default the configured one.

    Raises NotConfigured if the region, the credentials or the bucket are missing.
    """
    config = ses_config()
    clients.require_credentials(config.region)
    if not (bucket or config.bucket):
        raise NotConfigured("S3_BUCKET_NAME is missing.")
    return clients.s3(config.region, seconds), bucket or config.bucket


def list_versions(
    s3: S3Client,
    bucket: str,
    prefix: str,
    *,
    after: tuple[str, str] = ("", ""),
    max_keys: int | None = None,
    delimiter: str = "",
) -> Any:
    """S3's answer with one page of the versions and delete markers under `prefix`. Raises SesError.

    The page begins after the key and version in `after`. With a `delimiter`, S3 folds what is below it into
    `CommonPrefixes`.
    """
    key, version = after
    start = {**({"KeyMarker": key} if key else {}), **({"VersionIdMarker": version} if version else {})}
    options: Any = start | ({"Delimiter": delimiter} if delimiter else {})
    with aws_errors(f"ListObjectVersions {prefix}", on=bucket):
        return s3.list_object_versions(Bucket=bucket, Prefix=prefix, MaxKeys=max_keys or KEYS_PER_CALL, **options)


def list_objects(s3: S3Client, bucket: str, prefix: str, *, after: str = "") -> Any:
    """S3's answer with one page of the objects under `prefix` with a key after `after`. Raises SesError."""
    with aws_errors(f"ListObjectsV2 {prefix}", on=bucket):
        return s3.list_objects_v2(Bucket=bucket, Prefix=prefix, StartAfter=after, MaxKeys=KEYS_PER_CALL)
