"""DeleteObjects: up to 1,000 versions in one request, with an error for each that S3 keeps."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from moto.iam.access_control import PermissionResult
from moto.s3.exceptions import AccessDeniedByLock

from ses_integration.emulator.control.faults import Fault
from ses_integration.emulator.s3.xml import document, element, text
from ses_integration.emulator.wire.calls import Call
from ses_integration.emulator.wire.errors import AwsError

MAX_OBJECTS = 1000


def delete_objects(backend: Any, bucket: Any, call: Call, fault: Fault | None) -> str:
    """Delete the objects, and return the answer as XML. `fault` refuses some keys. Raises AwsError."""
    try:
        request = ElementTree.fromstring(call.body)  # noqa: S314 - the emulator serves this machine only
    except ElementTree.ParseError:
        raise _malformed() from None
    objects = [
        (found.findtext("{*}Key") or "", found.findtext("{*}VersionId") or "") for found in request.findall("{*}Object")
    ]
    if not 1 <= len(objects) <= MAX_OBJECTS or not all(key for key, _ in objects):
        raise _malformed()
    quiet = request.findtext("{*}Quiet") == "true"
    bypass = call.environ.get("HTTP_X_AMZ_BYPASS_GOVERNANCE_RETENTION", "").lower() == "true"
    answers = []
    for key, version in objects:
        named = [text("Key", key), text("VersionId", version) if version else ""]
        error = _delete(backend, bucket, key, version, bypass=bypass, fault=fault)
        if error:
            answers.append(element("Error", *named, text("Code", error[0]), text("Message", error[1])))
        elif not quiet:
            answers.append(element("Deleted", *named))
    return document("DeleteResult", *answers)


def _delete(
    backend: Any, bucket: Any, key: str, version: str, *, bypass: bool, fault: Fault | None
) -> tuple[str, str] | None:
    """S3's error code and message, or None if the version is gone."""
    if fault is not None and fault.refuses(key):
        return fault.code, fault.message
    if bucket.get_permission("s3:DeleteObject", f"arn:aws:s3:::{bucket.name}/{key}") == PermissionResult.DENIED:
        return "AccessDenied", "Access Denied"
    try:
        backend.delete_object(bucket.name, key, version_id=version or None, bypass=bypass)
    except AccessDeniedByLock:
        return "AccessDenied", "Access Denied because object protected by object lock."
    return None


def _malformed() -> AwsError:
    return AwsError(
        "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema"
    )
