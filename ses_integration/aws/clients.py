"""boto3 clients with one attempt, short time limits and a send deadline."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from ses_integration.conf import ses_config
from ses_integration.errors import NotConfigured

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ses import SESClient
    from mypy_boto3_sesv2 import SESV2Client

CONNECT_TIMEOUT = 2
READ_TIMEOUT = 5
# What a form does not escape, and `@`.
_PLAIN = re.compile(r"[\w.~@-]*", re.ASCII)

_build_lock = threading.Lock()  # boto3's default session cannot build two clients at a time
_send_by: ContextVar[float | None] = ContextVar("send_by", default=None)


class SendDeadlinePassed(Exception):
    """The deadline passed between signing and sending, so the call was certainly not sent."""


class NotFromAws(Exception):
    """The answer has no AWS request id, so it came from a proxy. AWS may have got the call."""


@contextmanager
def send_by(deadline: float) -> Iterator[None]:
    """Send no call in this block after `deadline`, a value of `time.monotonic()`: a later one raises SendDeadlinePassed.

    The check is in botocore's `before-send`, after signing: a process that was suspended must not send an old intent with a
    fresh signature (docs/architecture/protocol.md, "Send the call").
    """
    token = _send_by.set(deadline)
    try:
        yield
    finally:
        _send_by.reset(token)


def _refuse_late(**_: Any) -> None:
    limit = _send_by.get()
    if limit is not None and time.monotonic() >= limit:
        raise SendDeadlinePassed


def _require_request_id(parsed: Mapping[str, Any], **_: Any) -> None:
    """Reject the page of a proxy, which botocore would parse as an empty answer: as success or an empty list."""
    if not parsed["ResponseMetadata"].get("RequestId"):
        raise NotFromAws


def _encode_once(params: dict[str, Any], **_: Any) -> None:
    """Encode a form here, because botocore encodes it twice, to sign and to send it: a millisecond each for 500 recipients."""
    if isinstance(params["body"], dict):
        params["body"] = form(params["body"])


def form(fields: Mapping[str, Any]) -> bytes:
    """The form that `urlencode` makes, in a third of the time if hardly a text has characters to escape but `@`."""
    return "&".join([f"{_escaped(name)}={_escaped(value)}" for name, value in fields.items()]).encode()


def _escaped(value: Any) -> str:
    text = str(value)
    return text.replace("@", "%40") if _PLAIN.fullmatch(text) else quote_plus(text)


@lru_cache(maxsize=32)
def _client(service: Any, region: str, read_timeout: int) -> Any:
    # A retry by botocore would send one intent twice (docs/architecture/protocol.md, "Send the call").
    config = Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=read_timeout,
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=32,
        user_agent_extra="inbound",
    )
    try:
        with _build_lock:
            client = boto3.client(service, region_name=region, config=config)
    except (BotoCoreError, OSError) as error:
        raise NotConfigured(
            "The AWS profile or credentials cannot be read: look at AWS_PROFILE and its files."
        ) from error
    except ValueError as error:
        raise NotConfigured("AWS_ENDPOINT_URL is not the address of a server.") from error
    client.meta.events.register("before-call", _encode_once)
    client.meta.events.register("before-send", _refuse_late)
    client.meta.events.register("after-call", _require_request_id)
    return client


def _whole_seconds(seconds: float) -> int:
    # At least 2: the outcome of a call that is merely slow would be unknown for the whole settle time.
    return max(2, min(READ_TIMEOUT, int(seconds)))


def ses(region: str, seconds: float = READ_TIMEOUT) -> SESClient:
    """Client of the v1 API, the only one with receipt rules. `seconds`: how long a call waits for its answer, from 2 to 5."""
    client: SESClient = _client("ses", region, _whole_seconds(seconds))
    return client


def sesv2(region: str, seconds: float = READ_TIMEOUT) -> SESV2Client:
    client: SESV2Client = _client("sesv2", region, _whole_seconds(seconds))
    return client


def s3(region: str, seconds: float = READ_TIMEOUT) -> S3Client:
    client: S3Client = _client("s3", region, _whole_seconds(seconds))
    return client


def sts(region: str, seconds: float = READ_TIMEOUT) -> Any:
    return _client("sts", region, _whole_seconds(seconds))


@lru_cache(maxsize=1)
def _session() -> boto3.Session:
    return boto3.Session()


def have_credentials() -> bool:
    """Whether botocore finds credentials. Does not try them."""
    try:
        with _build_lock:
            return _session().get_credentials() is not None
    except (BotoCoreError, OSError):
        return False  # a profile that does not exist, or a key without its secret


def configured() -> bool:
    """Whether AWS can be called at all: a region and credentials are set. The credentials are not tried."""
    return bool(ses_config().region) and have_credentials()


def access_key() -> str:
    """Access key id (not secret) of the credentials that botocore finds now, or an empty string."""
    try:
        with _build_lock:
            found = _session().get_credentials()
        return found.get_frozen_credentials().access_key or "" if found else ""
    except (BotoCoreError, ClientError, OSError):
        return ""  # for example, a role that cannot be assumed: the call itself will report it


def forget() -> None:
    """Build new clients from now on. For tests that change the endpoint or the credentials."""
    _client.cache_clear()
    _session.cache_clear()
