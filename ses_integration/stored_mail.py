"""Erasing what SES has stored in S3 under one prefix: every version and delete marker, in batches, resumable."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_integration import clients
from ses_integration.config import ses_config
from ses_integration.errors import NotConfigured
from ses_integration.translation import NOT_CONFIGURED, aws_errors

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

KEYS_PER_CALL = 1000  # S3 API Reference, DeleteObjects


@dataclass(frozen=True, slots=True)
class Erasure:
    """What one run has done. `versions` counts versions and delete markers that S3 confirmed as gone.

    `finished`: a look after the last deletion found nothing. `failed` keys could not be deleted; `problem` says why.
    """

    versions: int
    finished: bool
    failed: int = 0
    problem: str = ""


def erase(prefix: str, *, seconds: float) -> Erasure:
    """Delete everything under `prefix`, for about `seconds`; run it again until it says `finished`. Raises SesError.

    Always lists from the start, so a run that was killed half-way counts nothing twice and skips nothing.
    """
    if not prefix.endswith("/"):
        # `emails/example.co` is a prefix of example.com's mail as well.
        raise ValueError(f"A prefix to erase must end with a slash: {prefix!r}")
    config = ses_config()
    if not config.region or not clients.have_credentials():
        raise NotConfigured(NOT_CONFIGURED)
    if not config.bucket:
        raise NotConfigured("S3_BUCKET_NAME is missing.")
    s3 = clients.s3(config.region, seconds)
    until = time.monotonic() + seconds
    erased = 0
    while True:
        with aws_errors(f"ListObjectVersions {prefix}"):
            page = s3.list_object_versions(Bucket=config.bucket, Prefix=prefix, MaxKeys=KEYS_PER_CALL)
        found: list[ObjectIdentifierTypeDef] = [
            {"Key": item["Key"], "VersionId": item["VersionId"]}
            for item in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        ]
        if not found:
            return Erasure(versions=erased, finished=True)
        with aws_errors(f"DeleteObjects {prefix}"):
            answer = s3.delete_objects(Bucket=config.bucket, Delete={"Objects": found, "Quiet": True})
        errors = answer.get("Errors", [])
        erased += len(found) - len(errors)
        if errors:
            return Erasure(
                versions=erased,
                finished=False,
                failed=len(errors),
                problem=f"S3 keeps {len(errors)} stored objects ({errors[0].get('Code', 'unknown reason')}).",
            )
        if time.monotonic() >= until:
            return Erasure(versions=erased, finished=False)
