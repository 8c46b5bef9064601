"""Domain names and addresses: their canonical form, and which new names may be added.

Names are stored, sent and compared in canonical form: lower case, IDNA. The rules for new names change with the list of
public suffixes, so they are never applied to a name that exists.
Pure functions. Names and addresses that have no canonical form raise ValueError.
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
LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
# Top labels that are not delegated and never will be: RFC 6761, 6762 (appendix G), 7686 and 9476, and ICANN's decisions about
# `internal`, `corp`, `home` and `mail`. `example` is left out: documentation and tests use it, and nobody can receive there.
SPECIAL_USE = frozenset(
    ["alt", "arpa", "corp", "home", "internal", "intranet", "invalid", "lan", "local", "localdomain", "localhost", "mail",
     "onion", "private", "test"]
)  # fmt: skip


class RefusedName(ValueError):
    """A new name that may not be added. The message is a sentence for users."""


def normalise_domain(text: str) -> str:
    """The canonical form: `Bücher.Example. ` becomes `xn--bcher-kva.example`. For names that exist and for new ones.

    Refuses single labels.
    """
    try:
        labels = _unicode_mapped(text.strip()).removesuffix(".").split(".")
        name = ".".join(map(_ascii_label, labels))
    except UnicodeError as error:
        raise ValueError(f"not a domain name: {text!r}") from error
    labels = name.split(".")
    if len(name) > DOMAIN_LIMIT or len(labels) < 2 or not all(LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"not a domain name: {text!r}")
    if not TOP_LABEL.fullmatch(labels[-1]):
        raise ValueError(f"not a domain name: {text!r}")
    return name


def _unicode_mapped(text: str) -> str:
    """The text in lower case and with its Unicode characters mapped (UTS 46), such as `。` to `.`."""
    return text.lower() if text.isascii() else idna.uts46_remap(text, std3_rules=False, transitional=False)


def _ascii_label(label: str) -> str:
    """The label as an A-label if it is not ASCII. Checks UTS 46 only: registries sell more than IDNA 2008 allows, such as `❤`."""
    if not label.isascii():
        return f"xn--{label.encode('punycode').decode()}"
    if label.startswith("xn--"):
        decoded = label[4:].encode().decode("punycode")
        if decoded.isascii() or _unicode_mapped(decoded) != decoded or _ascii_label(decoded) != label:
            raise UnicodeError
    return label


def check_new_domain(name: str) -> None:
    """Raise RefusedName if nobody can own all mail below this canonical name: special-use names and registries' suffixes.

    The owner of a suffix that is private (`is_private_suffix`) can prove it.
    """
    top = name.rpartition(".")[2]
    if top in SPECIAL_USE:
        raise RefusedName(f".{top} is reserved. Mail for {name} cannot arrive from the internet.")
    if _icann_suffixes().publicsuffix(name) == name:
        raise RefusedName(f"{name} is a public suffix, below which others register domains. Add one of those domains.")


def is_private_suffix(name: str) -> bool:
    """Whether a company lets others use names below this one, such as `github.io`."""
    return bool(_suffixes().publicsuffix(name) == name)


def normalise_address(text: str) -> str:
    """The canonical form: `A+x@Example.COM` becomes `a+x@example.com`. The local part must be ASCII."""
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
    """The part of a canonical name that is registered at a registry: `example.co.uk` for `a.b.example.co.uk`."""
    return _icann_suffixes().privatesuffix(name) or name


def ancestors(name: str) -> list[str]:
    """All parents of a name: `b.example.com`, `example.com` and `com` for `a.b.example.com`."""
    labels = name.split(".")
    return [".".join(labels[start:]) for start in range(1, len(labels))]


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


@lru_cache(maxsize=1)
def _icann_suffixes() -> PublicSuffixList:
    return PublicSuffixList(only_icann=True)
