"""Handlers of botocore's events around each call: the send deadline, the encoding, and whether the answer is AWS's."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from typing import Any
from urllib.parse import quote_plus

# What a form does not escape, and `@`.
_PLAIN = re.compile(r"[\w.~@-]*", re.ASCII)


class Stage(Enum):
    """How far a call has come. Between `BUILT` and `SENT` it is signed, and botocore may ask for credentials for this."""

    NEW = "new"
    BUILT = "built"
    SENT = "sent"


_send_by: ContextVar[float | None] = ContextVar("send_by", default=None)
_stage: ContextVar[Stage] = ContextVar("stage", default=Stage.NEW)


def register(client: Any) -> None:
    """Add these handlers to a client."""
    client.meta.events.register("before-call", _encode_once)
    client.meta.events.register("before-call", _note_building)
    client.meta.events.register("before-send", _refuse_late)
    client.meta.events.register_last("before-send", _note_sending)
    client.meta.events.register("after-call", _require_request_id)


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
