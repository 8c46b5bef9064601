"""Send one AWS call and turn every failure into a `Response`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from botocore.exceptions import ClientError

from ses_integration.aws.translate import aws_errors
from ses_integration.conf import SesConfig
from ses_integration.coordination.deadline import shared_deadline
from ses_integration.coordination.rate_limit import rate_limited
from ses_integration.doctor.probes.response import Response
from ses_integration.errors import Refused, SesError

# The rate limit is shared with running workers. Nobody waits for the doctor, so it can wait long.
RATE_LIMIT_SECONDS = 60.0

Call = Callable[[], Mapping[str, Any]]


def send(what: str, call: Call, expected: Collection[str] = ()) -> Response:
    """Make the call. `what` names it in the log. `expected`: error codes that answer the question and are not logged."""
    try:
        with aws_errors(what):
            return _response(call, expected)
    except SesError as error:
        return _failure(error)


def send_to_ses(config: SesConfig, what: str, call: Call, expected: Collection[str] = ()) -> Response:
    """Make the call like `send`, within the rate limit that all processes share."""
    try:
        with shared_deadline(RATE_LIMIT_SECONDS), rate_limited(config), aws_errors(what):
            return _response(call, expected)
    except SesError as error:
        return _failure(error)


def _response(call: Call, expected: Collection[str]) -> Response:
    try:
        body = call()
    except ClientError as error:
        if _code(error) not in expected:
            raise
        return _refused(error, None)
    return Response(body=body, headers=body["ResponseMetadata"]["HTTPHeaders"])


def _failure(error: SesError) -> Response:
    if isinstance(error.__cause__, ClientError):
        return _refused(error.__cause__, error)
    if error.__cause__ is None:  # our rate limit left no slot, which says nothing about the network
        return Response(error=Refused(error.sentence))
    return Response(error=error)


def _refused(cause: ClientError, error: SesError | None) -> Response:
    return Response(
        headers=cause.response["ResponseMetadata"]["HTTPHeaders"],
        code=_code(cause),
        error=error,
    )


def _code(error: ClientError) -> str:
    return error.response["Error"].get("Code", "").removesuffix("Exception")
