"""The owner's request headers of a webhook: which may be sent."""

from __future__ import annotations

import re
from collections.abc import Mapping

# A token (RFC 9110, 5.6.2).
NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# Latin-1 without control characters, and no blank at either end.
VALUE = re.compile(r"(?:[!-~\xa0-\xff](?:[\t -~\xa0-\xff]*[!-~\xa0-\xff])?)?")
# What inbound itself says about the request.
RESERVED = re.compile(
    r"webhook-.*|x-webhook-.*|x-endpoint-id|x-email-id|x-message-id"
    r"|host|content-.*|connection|expect|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade",
    re.IGNORECASE,
)
SHOWN_CHARACTERS = 100


def refusal(name: str, value: str) -> str:
    """A sentence if this header cannot be sent; else empty. Never shows the value, which may be secret."""
    shown = name[:SHOWN_CHARACTERS]
    if not NAME.fullmatch(name):
        return f"Headers must have valid names: {shown}"
    if RESERVED.fullmatch(name):
        return f"Headers must not contain {shown}, which inbound sets itself"
    if not VALUE.fullmatch(value):
        return f"Headers must have values of printable Latin-1 characters: {shown}"
    return ""


def sendable(headers: Mapping[str, str] | None) -> dict[str, str]:
    """The headers of a stored configuration that can be sent. Older versions also stored others."""
    return {name: value for name, value in (headers or {}).items() if not refusal(name, value)}
