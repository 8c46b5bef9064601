"""Names on the command line, as people type them, in canonical form. Types for argparse."""

from __future__ import annotations

from argparse import ArgumentTypeError
from urllib.parse import urlsplit

from rest.names.canonical import normalise_address, normalise_domain


def domain_name(text: str) -> str:
    """`Bücher.Example. ` becomes `xn--bcher-kva.example`. Says what to give instead of a URL or an address."""
    if "/" in text:
        raise ArgumentTypeError(f"{text!r} is not a domain name but a URL or a path: give the name alone{_host(text)}")
    if "@" in text:
        domain = _named(text.rpartition("@")[2])
        raise ArgumentTypeError(f"{text!r} is not a domain name but an email address: give its domain alone{domain}")
    try:
        return normalise_domain(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a domain name such as example.com") from None


def domain_or_address(text: str) -> str:
    """A domain's name, or an email address if there is an `@`."""
    if "@" not in text:
        return domain_name(text)
    try:
        return normalise_address(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not an email address such as hello@example.com") from None


def email_address(text: str) -> str:
    address = domain_or_address(text)
    if "@" not in address:
        raise ArgumentTypeError(f"{text!r} is not an email address such as hello@example.com")
    return address


def _host(url: str) -> str:
    try:
        return _named(urlsplit(url if "//" in url else f"//{url}").hostname or "")
    except ValueError:
        return ""


def _named(text: str) -> str:
    """`, example.com`, or nothing if this is no domain name either."""
    try:
        return f", {normalise_domain(text)}"
    except ValueError:
        return ""
