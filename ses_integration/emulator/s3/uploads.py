"""Multipart uploads: moto keeps them, but fails for a part of one that is over."""

from __future__ import annotations

from typing import Any

from ses_integration.emulator.wire.calls import Call
from ses_integration.emulator.wire.errors import AwsError

OF_AN_UPLOAD = ("UploadPart", "CompleteMultipartUpload", "AbortMultipartUpload")


def is_over(bucket: Any, call: Call) -> bool:
    """Whether the call is about an upload that does not exist, or does not exist any more."""
    return call.action in OF_AN_UPLOAD and call.parameters.get("UploadId") not in bucket.multiparts


def no_such_upload() -> AwsError:
    return AwsError(
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
        status=404,
    )
