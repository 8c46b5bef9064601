"""Translate whatever boto3 raises into the errors of `ses_integration/errors.py`."""

from __future__ import annotations

import logging
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigNotFound,
    ConfigParseError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    InvalidConfigError,
    LoginError,
    MetadataRetrievalError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
    SSLError,
    SSOError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError
from urllib3.exceptions import LocationValueError

from ses_integration.aws import clients, events
from ses_integration.aws.clients import NOT_CONFIGURED, UNREADABLE_PROFILE
from ses_integration.aws.events import THROTTLED, NotFromAws, SendDeadlinePassed, Stage
from ses_integration.coordination.clock import release_connection
from ses_integration.errors import (
    AlreadyExists,
    BadCredentials,
    NoCredentials,
    NotAccepted,
    NotConfigured,
    NotFound,
    NotStored,
    Refused,
    RuleSetFull,
    RuleSetMissing,
    SesError,
    Throttled,
    TooManyRecipients,
    Unanswered,
    Unsent,
)

logger = logging.getLogger(__name__)

NO_ANSWER = "AWS gave no answer."
UNREADABLE = "The response did not come from AWS."

# Raised before anything is sent.
_CREDENTIALS_NOT_FOUND = (
    ConfigNotFound,
    ConfigParseError,
    CredentialRetrievalError,
    InvalidConfigError,
    LoginError,
    MetadataRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
# S3's codes for what passes by itself within seconds (Amazon S3 API Reference, Error Responses).
_PASSING = {"InternalError", "OperationAborted", "RequestTimeout", "ServiceUnavailable"}
NO_SUCH_QUEUE = "AWS.SimpleQueueService.NonExistentQueue"
_NOT_FOUND = {"RuleDoesNotExist", "NotFound", "NoSuchUpload"}
_DENIED = {"AccessDenied", "AuthorizationError", "UnauthorizedOperation"}
_BAD_KEY = {
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "UnrecognizedClient",
    "ExpiredToken",
    "MissingAuthenticationToken",
    "IncompleteSignature",
    "RequestExpired",
    # S3's names.
    *("InvalidAccessKeyId", "InvalidToken"),
    # When a role is assumed, or from AWS IAM Identity Center.
    "InvalidIdentityToken",
    "Unauthorized",
}
# These concern the contents of a request, unless the code is one of an address.
_CONTENT_STATUSES = {400, 413, 414, 431}
_ADDRESS = {"AuthorizationHeaderMalformed", "InvalidBucketName", "IllegalLocationConstraintException"}
# Of operations of other services than SES. Some are not called like their permission.
_PERMISSIONS = {
    "ListObjectVersions": "s3:ListBucketVersions", "ListObjectsV2": "s3:ListBucket", "GetObject": "s3:GetObject",
    "DeleteObjects": "s3:DeleteObjectVersion", "DeleteObject": "s3:DeleteObjectVersion", "CreateBucket": "s3:CreateBucket",
    **dict.fromkeys(["PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"], "s3:PutObject"),
    "AbortMultipartUpload": "s3:AbortMultipartUpload", "ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "ReceiveMessage": "sqs:ReceiveMessage", "DeleteMessageBatch": "sqs:DeleteMessage",
    "GetQueueAttributes": "sqs:GetQueueAttributes", "ConfirmSubscription": "sns:ConfirmSubscription",
    "GetCallerIdentity": "sts:GetCallerIdentity", "AssumeRole": "sts:AssumeRole",
    "AssumeRoleWithWebIdentity": "sts:AssumeRoleWithWebIdentity",
}  # fmt: skip
_LOCAL_PART = re.compile(r"[^\s<>,;:\"']+@")
_SENTENCES = {
    "NoSuchBucket": "The bucket that S3_BUCKET_NAME names does not exist.",
    "InvalidS3Configuration": "AWS cannot write to the bucket that S3_BUCKET_NAME names.",
    "InvalidSnsTopic": "AWS cannot publish to the topic that SES_TOPIC_ARN names.",
    "InvalidLambdaFunction": "AWS cannot invoke the function that LAMBDA_FUNCTION_NAME names.",
    NO_SUCH_QUEUE: "The queue that SES_QUEUE_URL names does not exist.",
    "LimitExceeded": "An SES quota is exhausted.",
    "InvalidParameterValue": "AWS does not accept a value, most likely a recipient.",
}


def is_passing(code: str) -> bool:
    """Whether an error with this code passes by itself. DeleteObjects reports such errors for single keys."""
    return code in THROTTLED or code in _PASSING


def _from_client_error(error: ClientError, code: str, on: str) -> SesError:
    message = error.response.get("Error", {}).get("Message", "").lower()
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    if code in THROTTLED or status == 429:
        return Throttled()
    if status >= 500:
        return Unanswered("AWS reported an internal error.")
    if code in _PASSING:
        return Refused("AWS could not carry out the call just now.")
    if code == "AlreadyExists":
        return AlreadyExists("It exists already.")
    if code in _NOT_FOUND:
        return NotFound("It does not exist.")
    if code == NO_SUCH_QUEUE:
        return NotFound(_SENTENCES[code], needs_attention=True)
    if code == "NoSuchKey":
        return NotStored("S3 does not have the object.")
    if code == "RuleSetDoesNotExist":
        return RuleSetMissing("The receipt rule set does not exist; run ses_setup.")
    if code == "LimitExceeded" and "recipients" in message:
        return TooManyRecipients("The rule has more recipients than SES allows.")
    if code == "LimitExceeded" and "rules" in message:
        return RuleSetFull()
    if code in _DENIED:
        # Others may be allowed, for example because these were quarantined.
        clients.renew()
        denied = _PERMISSIONS.get(error.operation_name) or f"ses:{error.operation_name}"
        where = f" on {on}" if on else ""
        return Refused(f"AWS does not allow {denied}{where}; the credentials lack a permission.", needs_attention=True)
    if code in _BAD_KEY:
        return BadCredentials("AWS does not accept the credentials.", needs_attention=not clients.renew())
    content = status in _CONTENT_STATUSES and code not in _ADDRESS
    return (NotAccepted if content else Refused)(_SENTENCES.get(code, "AWS refused the call."), needs_attention=True)


def _cannot_connect(error: BotoCoreError) -> str:
    """A sentence if a variable of the environment or its file does not allow any connection, or an empty string."""
    # What urllib3 raised.
    reason: Any = getattr(error, "kwargs", {}).get("error")
    if isinstance(error, SSLError):
        inner = reason.args[0] if getattr(reason, "args", ()) else reason
        is_bundle = isinstance(inner, OSError) and not isinstance(inner, ssl.SSLError)
        if is_bundle or isinstance(inner, ssl.SSLCertVerificationError) or getattr(inner, "library", "") == "X509":
            return "The certificate of AWS cannot be checked: look at AWS_CA_BUNDLE and the endpoint."
    if isinstance(error, HTTPClientError) and isinstance(reason, LocationValueError):
        return "HTTP_PROXY or HTTPS_PROXY is not the address of a server."
    return ""


@contextmanager
def aws_errors(call: str, *, on: str = "", hide_addresses: bool = False) -> Iterator[None]:
    """Translate every error of the AWS call inside into a `SesError`. `call` names it in the log.

    `on`: the bucket or queue, for the sentence about a permission that is missing. `hide_addresses`: log AWS's message without the
    local parts of the addresses in it.
    """
    release_connection()
    events.begin()
    try:
        with _translated(call, on=on, hide_addresses=hide_addresses):
            yield
    except (Unanswered, NotAccepted) as error:
        if events.stage() is Stage.SENT or (events.stage() is Stage.NEW and isinstance(error, NotAccepted)):
            raise
        # A service that gives credentials did not answer, or not as it should.
        clients.renew()
        raise NoCredentials(UNREADABLE_PROFILE) from error


@contextmanager
def body_errors(call: str) -> Iterator[None]:
    """Translate every error while the body of an answered call is read. Usually Unanswered."""
    with _translated(call):
        yield


@contextmanager
def _translated(call: str, *, on: str = "", hide_addresses: bool = False) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "").removesuffix("Exception")
        translated = _from_client_error(error, code, on)
        translated.code, translated.said = code, error.response.get("Error", {}).get("Message", "")
        if not isinstance(translated, AlreadyExists | NotFound):
            logger.warning("%s: %s", call, _LOCAL_PART.sub("…@", str(error)) if hide_addresses else error)
        raise translated from error
    except SendDeadlinePassed as error:
        raise Unsent("There was no time left to send the call.") from error
    except NoRegionError as error:
        raise NotConfigured(NOT_CONFIGURED) from error
    except _CREDENTIALS_NOT_FOUND as error:
        logger.warning("%s: %s", call, error)
        clients.renew()
        raise NoCredentials(NOT_CONFIGURED if isinstance(error, NoCredentialsError) else UNREADABLE_PROFILE) from error
    except (FileNotFoundError, PermissionError) as error:
        logger.warning("%s: %s", call, error)
        clients.renew()
        raise NoCredentials("A file of the AWS credentials cannot be read.") from error
    except (ParamValidationError, UnicodeError) as error:
        logger.warning("%s: %s", call, error)
        raise NotAccepted("AWS does not accept a value.") from error
    except (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError) as error:
        logger.warning("%s: %s", call, error)
        raise Unsent("AWS cannot be reached.") from error
    except BotoCoreError as error:  # read timeouts and resets
        logger.warning("%s: %s", call, error)
        if sentence := _cannot_connect(error):
            raise NotConfigured(sentence) from error
        raise Unanswered(NO_ANSWER) from error
    except NotFromAws as error:
        logger.warning("%s: the answer has no request id, so it is not AWS's.", call)
        raise Unanswered(UNREADABLE) from error
    except ResponseParserError as error:
        logger.warning("%s: %s", call, error)
        raise Unanswered(UNREADABLE) from error
    except Exception as error:
        # botocore's parsers raise errors of any kind.
        if events.stage() is not Stage.SENT:
            logger.warning("%s: %s: %s", call, type(error).__name__, error)
            raise Unanswered(NO_ANSWER) from error
        logger.exception("%s", call)
        raise Unanswered(UNREADABLE) from error
