"""boto3 clients with one attempt and time limits of our own, and their credentials."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from ses_integration.aws import events
from ses_integration.conf import ses_config
from ses_integration.errors import NoCredentials, NotConfigured

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ses import SESClient
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

CONNECT_TIMEOUT = 2
READ_TIMEOUT = 5
# SQS answers a long poll after up to 20 s. S3 may pause for as long within a large mail.
POLL_READ_TIMEOUT = 25
MAIL_READ_TIMEOUT = 60
# SES answers once it has taken in the whole mail.
SEND_READ_TIMEOUT = 60
# More than the threads of a web process (WEB_THREADS) or of the mail worker, so that each finds an open connection.
CONNECTIONS = 48
RENEW_SECONDS = 3.0
NOT_CONFIGURED = "AWS region or credentials are missing."
UNREADABLE_PROFILE = (
    "The AWS profile or credentials cannot be read: look at AWS_PROFILE and its files, and at other AWS_ variables."
)

logger = logging.getLogger(__name__)

# A session can neither build two clients nor look for credentials twice at a time.
_lock = threading.RLock()


@contextmanager
def _reading() -> Iterator[None]:
    """Raise NoCredentials for whatever botocore raises inside, from its own errors to those of the parsers it calls."""
    try:
        yield
    except NotConfigured:
        raise
    except Exception as error:
        logger.warning("AWS credentials: %s: %s", type(error).__name__, error)
        raise NoCredentials(UNREADABLE_PROFILE) from error


class ClientSet:
    """The clients of one boto3 session, whose credentials have been read once. Replaced as a whole by `renew`.

    Raises NotConfigured if the profile or a file of it cannot be read. `refused`: its credentials cannot be used, or it has none.
    """

    def __init__(self) -> None:
        with _reading():
            self._session = boto3.Session()
        self._clients: dict[tuple[str, str, int], Any] = {}
        self.refused = False

    def credentials(self) -> tuple[str, str, str] | None:
        """Access key id, secret and token as botocore finds them now, or None. Does not try them."""
        try:
            with _lock:
                found = self._session.get_credentials()
                frozen = found.get_frozen_credentials() if found else None
        except Exception:
            return None  # for example, a role that cannot be assumed: the call itself will report it
        return (frozen.access_key or "", frozen.secret_key or "", frozen.token or "") if frozen else None

    def have_credentials(self) -> bool:
        """Whether botocore finds credentials. Does not try them. Raises NoCredentials, for example for a key without secret."""
        with _reading(), _lock:
            return self._session.get_credentials() is not None

    def ca_bundle(self) -> str:
        """The file with trusted certificates that AWS_CA_BUNDLE or the profile names. Empty if none does."""
        with _lock:
            return self._session._session.get_config_variable("ca_bundle") or ""

    def client(self, service: Any, region: str, seconds: float, longest: int = READ_TIMEOUT) -> Any:
        """The client of a service. `seconds`: how long a call waits for its answer, from 2 to `longest`."""
        # At least 2: the outcome of a call that is merely slow would be unknown for the whole settle time.
        read_timeout = max(2, min(longest, int(seconds)))
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
            max_pool_connections=CONNECTIONS,
            user_agent_extra="inbound",
        )
        with _reading():
            try:
                client = self._session.client(service, region_name=region, config=config)
            except ValueError as error:
                if str(error).startswith("Invalid endpoint"):
                    raise NotConfigured("AWS_ENDPOINT_URL is not the address of a server.") from error
                raise
        events.register(client)
        client.meta.events.register("before-call", self._note_use)
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


def sesv2_sending(region: str, seconds: float = SEND_READ_TIMEOUT) -> SESV2Client:
    """Client for sending mail. `seconds`: how long SES may take to answer once it has the mail."""
    client: SESV2Client = current().client("sesv2", region, seconds, SEND_READ_TIMEOUT)
    return client


def s3(region: str, seconds: float = READ_TIMEOUT) -> S3Client:
    client: S3Client = current().client("s3", region, seconds)
    return client


def s3_mail(region: str, seconds: float = MAIL_READ_TIMEOUT) -> S3Client:
    """Client for reading a whole mail. Its time limit is for each piece of the body."""
    client: S3Client = current().client("s3", region, seconds, MAIL_READ_TIMEOUT)
    return client


def sqs(region: str, *, poll: bool = False) -> SQSClient:
    """`poll`: wait as long as a long poll takes."""
    client: SQSClient = current().client("sqs", region, POLL_READ_TIMEOUT if poll else READ_TIMEOUT, POLL_READ_TIMEOUT)
    return client


def sns(region: str) -> SNSClient:
    client: SNSClient = current().client("sns", region, READ_TIMEOUT)
    return client


def sts(region: str, seconds: float = READ_TIMEOUT, of: ClientSet | None = None) -> Any:
    return (of or current()).client("sts", region, seconds)


def require_credentials(region: str) -> None:
    """Raise NotConfigured without a region, NoCredentials if botocore finds no credentials, also in files that have changed.

    Does not try them.
    """
    if not region:
        raise NotConfigured(NOT_CONFIGURED)
    used = current()
    try:
        found = used.have_credentials()
    except NoCredentials:
        if not renew(used):
            raise
    else:
        if not found and not renew(used):
            raise NoCredentials(NOT_CONFIGURED)


def configured() -> bool:
    """Whether AWS can be called at all: a region and credentials are set. The credentials are not tried."""
    try:
        require_credentials(ses_config().region)
    except NotConfigured:
        return False
    return True


def forget() -> None:
    """Build new clients from now on. For tests that change the endpoint or the credentials."""
    global _current, _renewed_at
    with _lock:
        _current, _renewed_at = None, -math.inf
    _used.set(None)
