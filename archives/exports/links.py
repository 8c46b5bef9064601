"""Download links: signed for one export and one account, and valid for a while."""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from urllib.parse import urlencode

from django.utils.crypto import constant_time_compare

from archives.models import Export
from rest.keyed_digests import keyed_digests

PURPOSE = "archives.exports.links"
VALID_SECONDS = 3600


class Expired(Exception):
    """The link was ours, and its time is over."""


class Forged(Exception):
    """The link was not made here, or was changed."""


def query_of(export: Export, *, now: float | None = None) -> str:
    """The query of a link for the account that has asked for the export."""
    until = int(time.time() if now is None else now) + VALID_SECONDS
    return urlencode({"expires": until, "signature": _texts(export, until)[0]})


def check(export: Export, expires: str, signature: str) -> None:
    """Raise Forged or Expired if the link is not valid for this export. It says nothing of the account's access by now."""
    until = int(expires) if expires.isascii() and expires.isdigit() and len(expires) <= 12 else 0
    if not any(constant_time_compare(signature, text) for text in _texts(export, until)):
        raise Forged
    if until < time.time():
        raise Expired


def _texts(export: Export, until: int) -> list[str]:
    """The signatures that are valid: the first one is given out."""
    signed = f"{export.pk} {export.account_id} {until}"
    return [urlsafe_b64encode(digest).decode().rstrip("=") for digest in keyed_digests(PURPOSE, signed)]
