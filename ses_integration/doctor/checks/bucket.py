"""Checks of the bucket that stores the mail. Pure."""

from __future__ import annotations

from ses_integration.doctor.checks.permissions import not_proven
from ses_integration.doctor.probes.response import Response
from ses_integration.doctor.results import CheckResult, failed, ok, warning
from ses_integration.errors import Refused

# The permissions that the sweep and erasing need, as an IAM policy names them.
LIST_OBJECTS = "s3:ListBucket"
LIST, DELETE, DELETE_VERSION = "s3:ListBucketVersions", "s3:DeleteObject", "s3:DeleteObjectVersion"

# Those that exports and imports need besides.
STORE, ABORT, LIST_UPLOADS = "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListBucketMultipartUploads"


def check_bucket(bucket: str, region: str, response: Response) -> CheckResult:
    """Judge the response to HeadBucket, which names the bucket's region even if access is denied."""
    if response.code == "404":
        return failed("bucket", f"There is no bucket {bucket}.", "Create it, or correct S3_BUCKET_NAME.")
    if isinstance(response.error, Refused) and not response.code:
        return failed(
            "bucket", f"S3_BUCKET_NAME is {bucket!r}, which is not a valid bucket name.", "Set it to a bucket's name."
        )
    if not response.succeeded and not response.denied:
        return not_proven("bucket", response)
    bucket_region = response.headers.get("x-amz-bucket-region", "")
    if bucket_region and bucket_region != region:
        return ok("bucket", f"{bucket} exists, in {bucket_region}; SES may write across regions.")
    return ok("bucket", f"{bucket} exists, in {bucket_region}." if bucket_region else f"{bucket} exists.")


def check_versioning(response: Response) -> CheckResult:
    if response.denied:
        return _not_allowed("bucket versioning", "s3:GetBucketVersioning")
    if not response.succeeded:
        return not_proven("bucket versioning", response)
    if response.body.get("MFADelete") == "Enabled":
        return failed(
            "bucket versioning",
            "MFA delete is on: no version of a stored mail can be erased.",
            "Turn MFA delete off for this bucket, as the account's root user.",
        )
    if response.body.get("Status"):
        return ok("bucket versioning", f"{response.body['Status']}; erasing removes every version.")
    return ok("bucket versioning", "Off.")


def check_object_lock(response: Response) -> CheckResult:
    if response.denied:
        return _not_allowed("object lock", "s3:GetBucketObjectLockConfiguration")
    if response.code == "ObjectLockConfigurationNotFoundError":
        return ok("object lock", "Off.")
    if not response.succeeded:
        return not_proven("object lock", response)
    if response.body.get("ObjectLockConfiguration", {}).get("Rule"):
        return failed(
            "object lock",
            "The bucket locks every new object: SES cannot write to it.",
            "Remove the default retention from the bucket, or use another bucket.",
        )
    return warning("object lock", "On, without a default.", "Lock nothing under emails/: locked mail cannot be erased.")


def _not_allowed(check: str, action: str) -> CheckResult:
    return warning(
        check, f"Not checked: {action} is not allowed.", "Allow it to enable this check; nothing else needs it."
    )
