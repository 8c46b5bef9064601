"""Asking S3. Whatever is written or deleted has the doctor's own key, which no mail has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_integration.doctor.asking import ask
from ses_integration.doctor.aws import Aws
from ses_integration.doctor.judging import with_key_errors
from ses_integration.doctor.reply import Reply

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import DeleteTypeDef


def bucket(aws: Aws) -> Reply:
    return ask(
        "HeadBucket (ses_doctor)", lambda: aws.s3.head_bucket(Bucket=aws.config.bucket), looked_for=("403", "404")
    )


def versioning(aws: Aws) -> Reply:
    return ask("GetBucketVersioning (ses_doctor)", lambda: aws.s3.get_bucket_versioning(Bucket=aws.config.bucket))


def object_lock(aws: Aws) -> Reply:
    return ask(
        "GetObjectLockConfiguration (ses_doctor)",
        lambda: aws.s3.get_object_lock_configuration(Bucket=aws.config.bucket),
        looked_for=("ObjectLockConfigurationNotFoundError",),
    )


def list_versions(aws: Aws) -> Reply:
    return ask(
        "ListObjectVersions (ses_doctor)",
        lambda: aws.s3.list_object_versions(Bucket=aws.config.bucket, Prefix=aws.names.key_prefix, MaxKeys=1),
    )


def delete_version(aws: Aws) -> Reply:
    """One version of our own key: what a killed run has left, or nothing. Naming the version makes no delete marker."""
    only: DeleteTypeDef = {"Objects": [{"Key": aws.names.key, "VersionId": "null"}], "Quiet": True}
    return with_key_errors(
        ask(
            "DeleteObjects (ses_doctor)",
            lambda: aws.s3.delete_objects(Bucket=aws.config.bucket, Delete=only),
        )
    )


def delete_object(aws: Aws) -> Reply:
    """The same key without a version: a bucket that keeps versions gets a delete marker, which the clean-up erases."""
    return ask("DeleteObject (ses_doctor)", lambda: aws.s3.delete_object(Bucket=aws.config.bucket, Key=aws.names.key))
