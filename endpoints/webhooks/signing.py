"""Signatures of webhooks (Standard Webhooks 1.0.0), and the keys that owners choose or get."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime

PREFIX = "whsec_"
NEW_KEY_BYTES = 32
SHORTEST_KEY_BYTES = 16
SHORT = f"The secret is short: use at least {SHORTEST_KEY_BYTES} random bytes."


def new_secret() -> str:
    return signing_secret(secrets.token_bytes(NEW_KEY_BYTES))


def new_token() -> str:
    """A `verificationToken`, which each request repeats in a header."""
    return secrets.token_urlsafe(32)


def key_of(secret: str) -> bytes:
    """The key of a secret: the bytes after `whsec_`, which are base64, or else the text itself."""
    if secret.startswith(PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if key:
            return key
    return secret.encode()


def signing_secret(key: bytes) -> str:
    """The key as the libraries of Standard Webhooks take it."""
    return PREFIX + base64.b64encode(key).decode()


def warning(secret: str) -> str:
    return SHORT if len(key_of(secret)) < SHORTEST_KEY_BYTES else ""


def signed_headers(message_id: str, body: bytes, keys: Sequence[bytes], at: datetime) -> dict[str, str]:
    """The headers that sign a request: one signature for each key, the current one first."""
    timestamp = str(int(at.timestamp()))
    content = b".".join([message_id.encode(), timestamp.encode(), body])
    signatures = [base64.b64encode(hmac.digest(key, content, "sha256")).decode() for key in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
        # The older signature of the reference service, which has room for one key.
        "X-Webhook-Signature": f"sha256={hmac.digest(keys[0], body, 'sha256').hex()}",
    }
