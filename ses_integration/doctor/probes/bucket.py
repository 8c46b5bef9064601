"""The doctor's S3 calls. It writes and deletes only its own key, which no mail ever has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ses_integration.doctor.probes.response import Response
from ses_integration.doctor.probes.send import send
from ses_integration.doctor.probes.session import AwsSession
from ses_integration.errors import Refused

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import DeleteTypeDef

NO_OBJECT = "NoSuchKey"
NO_UPLOAD = "NoSuchUpload"


def head_bucket(aws: AwsSession) -> Response:
    return send(
        "HeadBucket (ses_doctor)", lambda: aws.s3.head_bucket(Bucket=aws.config.bucket), expected=("403", "404")
    )


def get_versioning(aws: AwsSession) -> Response:
    return send("GetBucketVersioning (ses_doctor)", lambda: aws.s3.get_bucket_versioning(Bucket=aws.config.bucket))


def get_object_lock(aws: AwsSession) -> Response:
    return send(
        "GetObjectLockConfiguration (ses_doctor)",
        lambda: aws.s3.get_object_lock_configuration(Bucket=aws.config.bucket),
        expected=("ObjectLockConfigurationNotFoundError",),
    )


def list_versions(aws: AwsSession) -> Response:
    return send(
        "ListObjectVersions (ses_doctor)",
        lambda: aws.s3.list_object_versions(Bucket=aws.config.bucket, Prefix=aws.names.key_prefix, MaxKeys=1),
    )


def delete_version(aws: AwsSession) -> Response:
    """Delete one version of the doctor's key, if a killed run left it. Naming a version creates no delete marker."""
    only: DeleteTypeDef = {"Objects": [{"Key": aws.names.key, "VersionId": "null"}], "Quiet": True}
    return with_key_errors(
        send(
            "DeleteObjects (ses_doctor)",
            lambda: aws.s3.delete_objects(Bucket=aws.config.bucket, Delete=only),
        )
    )


def delete_object(aws: AwsSession) -> Response:
    """Delete the doctor's key without naming a version. Clean-up erases the delete marker of a versioned bucket."""
    return send("DeleteObject (ses_doctor)", lambda: aws.s3.delete_object(Bucket=aws.config.bucket, Key=aws.names.key))


def with_key_errors(response: Response) -> Response:
    """Turn an error in the body of DeleteObjects, whose status is 200 even then, into a failed response.

    `NoSuchVersion` is success.
    """
    errors: Sequence[Mapping[str, Any]] = response.body.get("Errors", [])
    codes = [error.get("Code", "") for error in errors if error.get("Code") != "NoSuchVersion"]
    if not codes:
        return response
    return replace(response, code=codes[0], error=Refused("S3 kept a key.", needs_attention=True))


def list_objects(aws: AwsSession) -> Response:
    return send(
        "ListObjectsV2 (ses_doctor)",
        lambda: aws.s3.list_objects_v2(Bucket=aws.config.bucket, Prefix=aws.names.key_prefix, MaxKeys=1),
    )


def get_object(aws: AwsSession) -> Response:
    """Ask for the doctor's key, which exists only for a moment. S3 says so only to those who may list the bucket."""

    def call() -> Mapping[str, Any]:
        answer = aws.s3.get_object(Bucket=aws.config.bucket, Key=aws.names.key)
        answer["Body"].close()
        return answer

    return send("GetObject (ses_doctor)", call, expected=(NO_OBJECT,))


def upload_part(aws: AwsSession) -> Response:
    """Store a part of an upload that does not exist, so nothing is stored. S3 says so only to those who may store objects."""
    return send(
        "UploadPart (ses_doctor)",
        lambda: aws.s3.upload_part(
            Bucket=aws.config.bucket, Key=aws.names.key, UploadId=aws.names.token, PartNumber=1, Body=b"x"
        ),
        expected=(NO_UPLOAD,),
    )


def abort_upload(aws: AwsSession) -> Response:
    """End an upload that does not exist."""
    return send(
        "AbortMultipartUpload (ses_doctor)",
        lambda: aws.s3.abort_multipart_upload(Bucket=aws.config.bucket, Key=aws.names.key, UploadId=aws.names.token),
        expected=(NO_UPLOAD,),
    )


def list_uploads(aws: AwsSession) -> Response:
    return send(
        "ListMultipartUploads (ses_doctor)",
        lambda: aws.s3.list_multipart_uploads(Bucket=aws.config.bucket, Prefix=aws.names.key_prefix, MaxUploads=1),
    )
