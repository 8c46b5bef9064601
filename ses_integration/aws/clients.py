"""boto3 clients: one attempt, short time limits, and no send after a deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from ses_integration.errors import NotConfigured

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ses import SESClient
    from mypy_boto3_sesv2 import SESV2Client

CONNECT_TIMEOUT = 2
READ_TIMEOUT = 5

_building = threading.Lock()  # boto3's default session is not thread-safe while it builds a client
_send_by: ContextVar[float | None] = ContextVar("send_by", default=None)


class SendDeadlinePassed(Exception):
    """Raised between signing and sending, so the call surely never left."""


class NotFromAws(Exception):
    """Somebody in between has answered: whether AWS got the call, nobody knows."""


@contextmanager
def send_by(monotonic: float) -> Iterator[None]:
    """Calls inside go out before `monotonic` (of `time.monotonic()`) or raise `SendDeadlinePassed`.

    A sender that slept past its lease must not send with a fresh signature
    (docs/architecture/protocol.md, "Counterexamples", 22): so the
    check sits in botocore's `before-send`, which runs after signing, at each attempt.
    """
    token = _send_by.set(monotonic)
    try:
        yield
    finally:
        _send_by.reset(token)


def _refuse_late(**_: Any) -> None:
    limit = _send_by.get()
    if limit is not None and time.monotonic() >= limit:
        raise SendDeadlinePassed


def _refuse_strangers(parsed: Mapping[str, Any], **_: Any) -> None:
    """A proxy's page reads as an answer of v2 or S3 that has nothing in it: done, or an empty list."""
    if not parsed["ResponseMetadata"].get("RequestId"):
        raise NotFromAws


@lru_cache(maxsize=32)
def _client(service: Any, region: str, read_timeout: int) -> Any:
    # botocore's own retries would make several sends of one recorded intent
    # (docs/architecture/protocol.md, "Counterexamples", 7).
    config = Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=read_timeout,
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=32,
        user_agent_extra="inbound",
    )
    try:
        with _building:
            client = boto3.client(service, region_name=region, config=config)
    except (BotoCoreError, OSError) as error:
        raise NotConfigured(
            "The AWS profile or credentials cannot be read: look at AWS_PROFILE and its files."
        ) from error
    except ValueError as error:
        raise NotConfigured("AWS_ENDPOINT_URL is not the address of a server.") from error
    client.meta.events.register("before-send", _refuse_late)
    client.meta.events.register("after-call", _refuse_strangers)
    return client


def _whole_seconds(seconds: float) -> int:
    # Never so short that a call which is only slow becomes a doubt for as long as it may still land.
    return max(2, min(READ_TIMEOUT, int(seconds)))


def ses(region: str, seconds: float = READ_TIMEOUT) -> SESClient:
    """The v1 API, the only one with receipt rules; waits for an answer for `seconds`, in whole ones, from 2 to 5."""
    client: SESClient = _client("ses", region, _whole_seconds(seconds))
    return client


def sesv2(region: str, seconds: float = READ_TIMEOUT) -> SESV2Client:
    client: SESV2Client = _client("sesv2", region, _whole_seconds(seconds))
    return client


def s3(region: str, seconds: float = READ_TIMEOUT) -> S3Client:
    client: S3Client = _client("s3", region, _whole_seconds(seconds))
    return client


def sts(region: str, seconds: float = READ_TIMEOUT) -> Any:
    """Tells whose credentials they are."""
    return _client("sts", region, _whole_seconds(seconds))


@lru_cache(maxsize=1)
def _session() -> boto3.Session:
    return boto3.Session()


def have_credentials() -> bool:
    """Whether botocore's chain finds any; they are not tried."""
    try:
        with _building:
            return _session().get_credentials() is not None
    except (BotoCoreError, OSError):
        return False  # a profile that does not exist, or half of a key


def access_key() -> str:
    """The id, which is no secret, of the credentials that botocore's chain finds now; empty where it finds none."""
    try:
        with _building:
            found = _session().get_credentials()
        return found.get_frozen_credentials().access_key or "" if found else ""
    except (BotoCoreError, ClientError, OSError):
        return ""  # such as a role that may not be assumed: the call itself will tell


def forget() -> None:
    """Build new clients from now on; for tests that change the endpoint or the credentials."""
    _client.cache_clear()
    _session.cache_clear()
