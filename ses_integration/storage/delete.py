"""Deletion of listed versions: in batches, split where S3 cannot read a request, with a few tries where S3 has a problem."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ses_integration.aws.translate import aws_errors, is_passing
from ses_integration.errors import BadCredentials, NotAccepted, SesError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Key and version id.
Version = tuple[str, str]
UNKNOWN = "unknown reason"
# Seconds before S3 is asked again for versions that it could not delete just now.
PAUSES = (0.1, 0.3, 1.0, 2.0)


def delete_versions(s3: S3Client, bucket: str, versions: Sequence[Version], *, until: float) -> dict[Version, str]:
    """Delete up to 1,000 versions, and return S3's error code for each, empty if the version is gone.

    If `until`, a value of `time.monotonic()`, passes meanwhile, or AWS cannot be asked any more, only the first few versions
    may be in the result, but at least one. Raises SesError if there would be none.
    """
    codes = _settle(s3, bucket, versions, until)
    for pause in PAUSES:
        passing = [version for version, code in codes.items() if is_passing(code)]
        if not passing or time.monotonic() + pause >= until:
            break
        time.sleep(pause)
        try:
            codes |= _settle(s3, bucket, passing, until)
        except SesError:
            break
    return codes


def _settle(s3: S3Client, bucket: str, versions: Sequence[Version], until: float) -> dict[Version, str]:
    codes: dict[Version, str] = {}
    parts = deque([versions])
    while parts and not (codes and time.monotonic() >= until):
        part = parts.popleft()
        try:
            codes |= _delete(s3, bucket, part)
        except NotAccepted:
            # One version is enough to make S3 refuse all of them.
            half = len(part) // 2
            parts.extendleft([part[half:], part[:half]])
        except SesError:
            if not codes:
                raise
            break
    return codes


def _delete(s3: S3Client, bucket: str, versions: Sequence[Version]) -> dict[Version, str]:
    try:
        return _delete_together(s3, bucket, versions)
    except NotAccepted:
        if len(versions) > 1:
            raise
        return _delete_one(s3, bucket, versions[0])


def _delete_together(s3: S3Client, bucket: str, versions: Sequence[Version]) -> dict[Version, str]:
    """Delete with one call. Raises SesError, and NotAccepted if S3 cannot read the request or its answer is unclear."""
    with aws_errors(f"DeleteObjects {bucket}", on=bucket):
        answer = s3.delete_objects(
            Bucket=bucket,
            Delete={"Objects": [{"Key": key, "VersionId": version} for key, version in versions], "Quiet": True},
        )
    errors = {
        (error.get("Key", ""), error.get("VersionId", "")): error.get("Code", UNKNOWN)
        for error in answer.get("Errors", [])
    }
    if not {key for key, _ in errors} <= {key for key, _ in versions}:
        raise NotAccepted("S3 reported an error for an object that it was not asked to delete.")
    # If S3 does not name the version, no version of the key counts as gone.
    return {(key, version): errors.get((key, version)) or errors.get((key, ""), "") for key, version in versions}


def _delete_one(s3: S3Client, bucket: str, version: Version) -> dict[Version, str]:
    """Delete with the key in the URL, which can carry every character. Raises SesError, but never NotAccepted."""
    key, version_id = version
    try:
        with aws_errors(f"DeleteObject {bucket}", on=bucket):
            s3.delete_object(Bucket=bucket, Key=key, VersionId=version_id)
    except SesError as error:
        if not isinstance(error, NotAccepted) and (not error.code or isinstance(error, BadCredentials)):
            raise
        return {version: error.code or UNKNOWN}
    return {version: ""}
