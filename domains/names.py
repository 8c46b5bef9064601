"""Normalisation of domain names and addresses: lower case, IDNA. They are stored, sent and compared in this form.

Pure functions. Names and addresses that cannot be normalised raise ValueError.
"""

from __future__ import annotations

import re
from functools import lru_cache

import idna
from publicsuffixlist import PublicSuffixList

DOMAIN_LIMIT = 253
LOCAL_PART_LIMIT = 64
# RFC 5321 dot-atom, in lower case. No quotes and no globs: SES refuses them as recipients
# (docs/architecture/ses.md, "Recipients").
LOCAL_PART = re.compile(r"[a-z0-9!#$%&'+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'+/=?^_`{|}~-]+)*")
# Letters or an A-label (RFC 3696, 2). Anything else could make two domains share the name of a rule.
TOP_LABEL = re.compile(r"[a-z]{2,63}|xn--[a-z0-9-]{1,59}")
# RFC 6761 and 7686. Nobody can own these, and SES refuses them as recipients.
SPECIAL_USE = {"invalid", "localhost", "local", "onion"}
LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def normalise_domain(text: str) -> str:
    """`Bücher.Example ` becomes `xn--bcher-kva.example`. Removes a trailing dot.

    Refuses single labels and public suffixes (`co.uk`), because no user owns all mail below them.
    """
    name = text.strip().removesuffix(".")
    try:
        name = idna.encode(name, uts46=True, transitional=False).decode("ascii").lower()
    except idna.IDNAError as error:
        raise ValueError(f"not a domain name: {text!r}") from error
    labels = name.split(".")
    if len(name) > DOMAIN_LIMIT or len(labels) < 2 or not all(LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"not a domain name: {text!r}")
    if not TOP_LABEL.fullmatch(labels[-1]) or labels[-1] in SPECIAL_USE or _suffixes().publicsuffix(name) == name:
        raise ValueError(f"not a domain name that can be registered: {text!r}")
    return name


def normalise_address(text: str) -> str:
    """`Hello@Example.COM` becomes `hello@example.com`. The local part must be ASCII; labels (`a+x@`) are kept."""
    local, at, domain = text.strip().rpartition("@")
    # Checked before lower(), which turns the Kelvin sign into an ASCII `k`.
    if not at or not local.isascii() or domain != domain.strip():
        raise ValueError(f"not an email address: {text!r}")
    local = local.lower()
    if len(local) > LOCAL_PART_LIMIT or not LOCAL_PART.fullmatch(local):
        raise ValueError(f"not an email address: {text!r}")
    return f"{local}@{normalise_domain(domain)}"


def domain_of(address: str) -> str:
    """The domain of a normalised address."""
    return address.rpartition("@")[2]


def registrable(name: str) -> str:
    """The registered part of a normalised name: `example.co.uk` for `a.b.example.co.uk`."""
    return _suffixes().privatesuffix(name) or name


def ancestors(name: str) -> list[str]:
    """All parents of a name: `b.example.com`, `example.com` and `com` for `a.b.example.com`."""
    labels = name.split(".")
    return [".".join(labels[start:]) for start in range(1, len(labels))]
