"""Opaque identifiers (docs/api/compatibility.md, "Identifiers"): an optional prefix and 21 characters of `A-Za-z0-9_-`."""

from __future__ import annotations

import secrets
import string

ALPHABET = string.ascii_letters + string.digits + "_-"
LENGTH = 21


def new_id(prefix: str = "") -> str:
    """Make an id with 126 random bits, so that it is never reused and cannot be guessed."""
    return prefix + "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def bare_id() -> str:
    return new_id()


def domain_id() -> str:
    return new_id("indm_")


def dns_record_id() -> str:
    return new_id("dns_")


def deletion_id() -> str:
    return new_id("del_")
