"""ListObjectVersions and DeleteObjects, and calls about an upload that is over (Amazon S3 API Reference)."""

from __future__ import annotations

from typing import Any

from moto.s3.models import s3_backends

from ses_integration.emulator.control.faults import Fault
from ses_integration.emulator.s3.deletions import delete_objects
from ses_integration.emulator.s3.uploads import is_over, no_such_upload
from ses_integration.emulator.s3.versions import list_object_versions
from ses_integration.emulator.wire.calls import Call
from ses_integration.emulator.wire.errors import AwsError, error_response
from ses_integration.emulator.wire.responses import Response


def serves(call: Call) -> bool:
    """Whether `serve` answers the call. moto answers the others, and those to a bucket that does not exist."""
    bucket = _bucket(call)
    if bucket is None:
        return False
    return call.action in ("ListObjectVersions", "DeleteObjects") or is_over(bucket, call)


def serve(call: Call, fault: Fault | None = None) -> Response:
    """Return the response, even if it is an error. `fault`: of kind `refuse_keys`."""
    try:
        if is_over(_bucket(call), call):
            raise no_such_upload()
        if call.action == "ListObjectVersions":
            document = list_object_versions(_bucket(call), call.parameters)
        else:
            document = delete_objects(s3_backends[call.account]["aws"], _bucket(call), call, fault)
    except AwsError as error:
        return error_response("s3", error)
    return Response(200, [("Content-Type", "application/xml")], document.encode())


def _bucket(call: Call) -> Any:
    return s3_backends[call.account]["aws"].buckets.get(call.parameters.get("Bucket"))
