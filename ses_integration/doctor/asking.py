"""Making one call, and catching all that can become of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from botocore.exceptions import ClientError

from ses_integration.aws.translate import aws_errors
from ses_integration.conf import SesConfig
from ses_integration.coordination.deadline import shared_deadline
from ses_integration.coordination.rate_limit import rate_limited
from ses_integration.doctor.reply import Reply
from ses_integration.errors import Refused, SesError

# Others may be at work; there is no request that waits for this one.
PATIENCE_SECONDS = 60.0

Call = Callable[[], Mapping[str, Any]]


def ask(what: str, call: Call, looked_for: Collection[str] = ()) -> Reply:
    """Make the call; `looked_for` are refusals that tell what we want to know, and stay out of the log."""
    try:
        with aws_errors(what):
            return _asked(call, looked_for)
    except SesError as error:
        return _troubled(error)


def ask_ses(config: SesConfig, what: str, call: Call, looked_for: Collection[str] = ()) -> Reply:
    """The same in turn with every other process: SES counts these calls."""
    try:
        with shared_deadline(PATIENCE_SECONDS), rate_limited(config), aws_errors(what):
            return _asked(call, looked_for)
    except SesError as error:
        return _troubled(error)


def _asked(call: Call, looked_for: Collection[str]) -> Reply:
    try:
        body = call()
    except ClientError as error:
        if _code(error) not in looked_for:
            raise
        return _refused(error, None)
    return Reply(body=body, headers=body["ResponseMetadata"]["HTTPHeaders"])


def _troubled(error: SesError) -> Reply:
    if isinstance(error.__cause__, ClientError):
        return _refused(error.__cause__, error)
    if error.__cause__ is None:  # our own turn did not come; that says nothing of the network
        return Reply(error=Refused(error.sentence))
    return Reply(error=error)


def _refused(cause: ClientError, error: SesError | None) -> Reply:
    return Reply(
        headers=cause.response["ResponseMetadata"]["HTTPHeaders"],
        code=_code(cause),
        message=cause.response["Error"].get("Message", ""),
        error=error,
    )


def _code(error: ClientError) -> str:
    return error.response["Error"].get("Code", "").removesuffix("Exception")
