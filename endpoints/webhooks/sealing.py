"""Sealed secrets: text that only this installation can read, with SECRET_KEY or one of SECRET_KEY_FALLBACKS (ADR 19)."""

from __future__ import annotations

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from rest.keyed_digests import keyed_digests

PURPOSE = "endpoints.webhooks.sealing"


class Unreadable(Exception):
    """The text was sealed with a SECRET_KEY that is no longer known."""

    def __init__(self) -> None:
        super().__init__(
            "The signing secret cannot be read, because SECRET_KEY has changed. "
            "Put the earlier key into SECRET_KEY_FALLBACKS, or rotate the secret."
        )


def seal(text: str) -> str:
    return _seals().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Raises Unreadable."""
    try:
        return _seals().decrypt(sealed).decode()
    except InvalidToken:
        raise Unreadable from None


def reseal(sealed: str) -> str:
    """The same text, sealed with today's SECRET_KEY. Raises Unreadable."""
    try:
        return _seals().rotate(sealed).decode()
    except InvalidToken:
        raise Unreadable from None


def _seals() -> MultiFernet:
    return _seals_of(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


@lru_cache(maxsize=4)
def _seals_of(*_: str) -> MultiFernet:
    """The seals under these keys, which are those of the settings. Deriving them takes longer than using them."""
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in keyed_digests(PURPOSE, "")])
