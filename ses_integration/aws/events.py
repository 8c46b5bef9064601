"""Handlers of botocore's events around each call: the send deadline, the encoding, whether the answer is AWS's, and counts."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from typing import Any
from urllib.parse import quote_plus

from prometheus_client import Counter

# What a form does not escape, and `@`.
_PLAIN = re.compile(r"[\w.~@-]*", re.ASCII)


class Stage(Enum):
    """How far a call has come. Between `BUILT` and `SENT` it is signed, and botocore may ask for credentials for this."""

    NEW = "new"
    BUILT = "built"
    SENT = "sent"


# Error codes without the suffix `Exception`, which only v2 sends.
THROTTLED = {"Throttling", "TooManyRequests", "RequestLimitExceeded", "SlowDown", "Throttled", "RequestThrottled"}

_calls = Counter(
    "inbound_aws_calls",
    "Calls to AWS by result: ok, throttled, refused, failed, unanswered or unsent.",
    ["service", "operation", "result"],
)

_send_by: ContextVar[float | None] = ContextVar("send_by", default=None)
_stage: ContextVar[Stage] = ContextVar("stage", default=Stage.NEW)


def register(client: Any) -> None:
    """Add these handlers to a client."""
    client.meta.events.register("before-call", _encode_once)
    client.meta.events.register("before-call", _note_building)
    client.meta.events.register("before-send", _refuse_late)
    client.meta.events.register_last("before-send", _note_sending)
    client.meta.events.register("after-call", _count_answer)
    client.meta.events.register("after-call", _require_request_id)
    client.meta.events.register("after-call-error", _count_silence)


def begin() -> None:
    """Start to follow a new call."""
    _stage.set(Stage.NEW)


def stage() -> Stage:
    """How far the last call of this context has come. It stays at SENT until `begin`."""
    return _stage.get()


def _note_building(**_: Any) -> None:
    if _stage.get() is Stage.NEW:
        _stage.set(Stage.BUILT)


def _note_sending(**_: Any) -> None:
    _stage.set(Stage.SENT)


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


def _count_answer(event_name: str, http_response: Any, parsed: Mapping[str, Any], **_: Any) -> None:
    code = parsed.get("Error", {}).get("Code", "").removesuffix("Exception")
    status = http_response.status_code
    if status < 300:
        result = "ok"
    elif code in THROTTLED or status == 429:
        result = "throttled"
    else:
        result = "failed" if status >= 500 else "refused"
    _count(event_name, result)


def _count_silence(event_name: str, **_: Any) -> None:
    _count(event_name, "unanswered" if _stage.get() is Stage.SENT else "unsent")


def _count(event_name: str, result: str) -> None:
    _, service, operation = event_name.split(".")
    _calls.labels(service, operation, result).inc()


def _require_request_id(parsed: Mapping[str, Any], **_: Any) -> None:
    """Reject the page of a proxy, which botocore would parse as an empty answer: as success or an empty list."""
    if not parsed["ResponseMetadata"].get("RequestId"):
        if "Body" in parsed:
            # An object that nobody will read keeps its connection.
            parsed["Body"].close()
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
