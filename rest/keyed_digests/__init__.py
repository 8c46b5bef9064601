"""Digests that only this installation can make, and that survive a rotation of SECRET_KEY."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.utils.crypto import salted_hmac


def keyed_digests(purpose: str, text: str) -> Iterator[bytes]:
    """The 32 bytes that belong to `text` under SECRET_KEY, and then those under each key in SECRET_KEY_FALLBACKS.

    Give out the first, and accept each. `purpose` keeps digests for different uses apart.
    """
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        yield salted_hmac(purpose, text, secret=key, algorithm="sha256").digest()
