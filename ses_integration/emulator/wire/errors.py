"""AWS errors, and their format in each service's protocol."""

from __future__ import annotations

import json
from uuid import uuid4
from xml.sax.saxutils import escape

from ses_integration.emulator.wire.responses import Response

_SES_NAMESPACE = "http://ses.amazonaws.com/doc/2010-12-01/"


class AwsError(Exception):
    """An error as AWS sends it: code, message, and members that name the resource (`Name`, `Bucket`, …)."""

    def __init__(self, code: str, message: str, *, status: int = 400, **members: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.members = members


def throttled(service: str) -> AwsError:
    """The service's error for too many calls.

    SES API v2 Reference, Common Errors: `TooManyRequestsException` with 429. SES v1 answers 400 `Throttling`, "Rate
    exceeded". Amazon S3 Error Responses: `SlowDown` with 503. botocore's model of SQS: `RequestThrottled`.
    """
    if service == "sesv2":
        return AwsError("TooManyRequestsException", "Rate exceeded", status=429)
    if service == "s3":
        return AwsError("SlowDown", "Please reduce your request rate.", status=503)
    if service == "sqs":
        return AwsError("RequestThrottled", "Rate exceeded")
    return AwsError("Throttling", "Rate exceeded")


def failed(service: str) -> AwsError:
    """An internal error of AWS: 500 `InternalFailure`, or `InternalError` from S3 (Amazon S3 Error Responses)."""
    code = "InternalError" if service == "s3" else "InternalFailure"
    return AwsError(code, "We encountered an internal error. Please try again.", status=500)


def access_denied(service: str, action: str) -> AwsError:
    """The caller lacks the permission: 403, with the suffix `Exception` in the JSON protocols only.

    Amazon SNS API Reference, Common Errors: SNS has a code of its own.
    """
    if service == "sns":
        return AwsError("AuthorizationError", f"User is not authorized to perform: SNS:{action}", status=403)
    code = "AccessDeniedException" if _uses_json(service) else "AccessDenied"
    return AwsError(code, f"User is not authorized to perform: {service}:{action}", status=403)


def error_response(service: str, error: AwsError) -> Response:
    """The error in the service's format: SES v1 and SNS use AWS Query, SES v2, Lambda and SQS JSON, S3 its own XML."""
    request_id = str(uuid4())
    if _uses_json(service):
        headers = [
            ("Content-Type", "application/json"),
            ("X-Amzn-ErrorType", error.code),
            ("x-amzn-RequestId", request_id),
        ]
        body = {"message": error.message, **error.members}
        if service == "sqs":
            # SQS names the error in the body, and its code of the older Query protocol in a header.
            headers.append(("x-amzn-query-error", f"{error.code};{'Receiver' if error.status >= 500 else 'Sender'}"))
            name = "QueueDoesNotExist" if error.code.endswith(".NonExistentQueue") else error.code.rpartition(".")[2]
            body["__type"] = f"com.amazonaws.sqs#{name}"
        return Response(error.status, headers, json.dumps(body).encode())
    details = "".join(
        f"<{name}>{escape(text)}</{name}>"
        for name, text in {"Code": error.code, "Message": error.message, **error.members}.items()
    )
    if service == "s3":
        document = f"<Error>{details}<RequestId>{request_id}</RequestId></Error>"
    else:
        sender = "Receiver" if error.status >= 500 else "Sender"
        document = (
            f'<ErrorResponse xmlns="{_SES_NAMESPACE}"><Error><Type>{sender}</Type>{details}</Error>'
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
    id_header = "x-amz-request-id" if service == "s3" else "x-amzn-RequestId"
    return Response(error.status, [("Content-Type", "text/xml"), (id_header, request_id)], document.encode())


def _uses_json(service: str) -> bool:
    return service in ("sesv2", "lambda", "sqs")
