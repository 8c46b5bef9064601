"""boto3 clients with one attempt, short time limits and a send deadline."""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from ses_integration.conf import ses_config
from ses_integration.errors import NoCredentials, NotConfigured

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ses import SESClient
    from mypy_boto3_sesv2 import SESV2Client

CONNECT_TIMEOUT = 2
READ_TIMEOUT = 5
RENEW_SECONDS = 3.0
UNREADABLE_PROFILE = "The AWS profile or credentials cannot be read: look at AWS_PROFILE and its files."
# What a form does not escape, and `@`.
_PLAIN = re.compile(r"[\w.~@-]*", re.ASCII)

# A session can neither build two clients nor look for credentials twice at a time.
_lock = threading.RLock()
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


class ClientSet:
    """The clients of one boto3 session, whose credentials have been read once. Replaced as a whole by `renew`.

    Raises NotConfigured if the profile or a file of it cannot be read. `refused`: its credentials cannot be used, or it has none.
    """

    def __init__(self) -> None:
        try:
            self._session = boto3.Session()
        except (BotoCoreError, OSError) as error:
            raise NoCredentials(UNREADABLE_PROFILE) from error
        self._clients: dict[tuple[str, str, int], Any] = {}
        self.refused = False

    def credentials(self) -> tuple[str, str, str] | None:
        """Access key id, secret and token as botocore finds them now, or None. Does not try them."""
        try:
            with _lock:
                found = self._session.get_credentials()
                frozen = found.get_frozen_credentials() if found else None
        except (BotoCoreError, ClientError, OSError):
            return None  # for example, a role that cannot be assumed: the call itself will report it
        return (frozen.access_key or "", frozen.secret_key or "", frozen.token or "") if frozen else None

    def have_credentials(self) -> bool:
        """Whether botocore finds credentials. Does not try them."""
        try:
            with _lock:
                return self._session.get_credentials() is not None
        except (BotoCoreError, OSError):
            return False  # for example, a key without its secret

    def client(self, service: Any, region: str, seconds: float) -> Any:
        """The client of a service. `seconds`: how long a call waits for its answer, from 2 to 5."""
        # At least 2: the outcome of a call that is merely slow would be unknown for the whole settle time.
        read_timeout = max(2, min(READ_TIMEOUT, int(seconds)))
        with _lock:
            if (client := self._clients.get((service, region, read_timeout))) is None:
                client = self._clients[service, region, read_timeout] = self._build(service, region, read_timeout)
        return client

    def _build(self, service: Any, region: str, read_timeout: int) -> Any:
        # A retry by botocore would send one intent twice (docs/architecture/protocol.md, "Send the call").
        config = Config(
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=read_timeout,
            retries={"total_max_attempts": 1, "mode": "standard"},
            max_pool_connections=32,
            user_agent_extra="inbound",
        )
        try:
            client = self._session.client(service, region_name=region, config=config)
        except (BotoCoreError, OSError) as error:
            raise NoCredentials(UNREADABLE_PROFILE) from error
        except ValueError as error:
            raise NotConfigured("AWS_ENDPOINT_URL is not the address of a server.") from error
        client.meta.events.register("before-call", _encode_once)
        client.meta.events.register("before-call", self._note_use)
        client.meta.events.register("before-send", _refuse_late)
        client.meta.events.register("after-call", _require_request_id)
        return client

    def _note_use(self, **_: Any) -> None:
        _used.set(self)


_current: ClientSet | None = None
_renewed_at = -math.inf
_used: ContextVar[ClientSet | None] = ContextVar("used", default=None)


def current() -> ClientSet:
    """The clients to use now. Raises NotConfigured if the profile or a file of it cannot be read."""
    global _current
    with _lock:
        if _current is None:
            _current = ClientSet()
        return _current


def renew(used: ClientSet | None = None) -> bool:
    """Read the credentials anew, because those of `used`, by default of this context's last call, cannot be used.

    Returns whether there are others by now that AWS has not refused, perhaps read by another thread. Reads them at most every
    RENEW_SECONDS. Those in environment variables stay the same.
    """
    global _current, _renewed_at
    used = used or _used.get()
    with _lock:
        if used is not None:
            used.refused = True
        if _current is None:
            return False
        if _current.refused and time.monotonic() >= _renewed_at + RENEW_SECONDS:
            _renewed_at = time.monotonic()
            with suppress(NotConfigured):
                found = ClientSet()
                credentials = found.credentials()
                if credentials is not None and credentials != _current.credentials():
                    _current = found
        return not _current.refused


def ses(region: str, seconds: float = READ_TIMEOUT, of: ClientSet | None = None) -> SESClient:
    """Client of the v1 API, the only one with receipt rules. `of`: by default the current clients."""
    client: SESClient = (of or current()).client("ses", region, seconds)
    return client


def sesv2(region: str, seconds: float = READ_TIMEOUT, of: ClientSet | None = None) -> SESV2Client:
    client: SESV2Client = (of or current()).client("sesv2", region, seconds)
    return client


def s3(region: str, seconds: float = READ_TIMEOUT) -> S3Client:
    client: S3Client = current().client("s3", region, seconds)
    return client


def sts(region: str, seconds: float = READ_TIMEOUT, of: ClientSet | None = None) -> Any:
    return (of or current()).client("sts", region, seconds)


def have_credentials() -> bool:
    """Whether botocore finds credentials, also in files that have changed. Does not try them."""
    try:
        used = current()
        return used.have_credentials() or renew(used)
    except NotConfigured:
        return False  # a profile that does not exist


def configured() -> bool:
    """Whether AWS can be called at all: a region and credentials are set. The credentials are not tried."""
    return bool(ses_config().region) and have_credentials()


def forget() -> None:
    """Build new clients from now on. For tests that change the endpoint or the credentials."""
    global _current, _renewed_at
    with _lock:
        _current, _renewed_at = None, -math.inf
    _used.set(None)
