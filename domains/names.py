"""Which new domain names may be added, and the parts of a name. Their canonical form is that of `rest.names.canonical`.

The rules for new names change with the list of public suffixes, so they are never applied to a name that exists.
Pure functions.
"""

from __future__ import annotations

from functools import lru_cache

from publicsuffixlist import PublicSuffixList

from rest.names.canonical import normalise_address, normalise_domain

__all__ = [
    "RefusedName",
    "ancestors",
    "check_new_domain",
    "domain_of",
    "is_private_suffix",
    "normalise_address",
    "normalise_domain",
    "registrable",
]

# Top labels that are not delegated and never will be: RFC 6761, 6762 (appendix G), 7686 and 9476, and ICANN's decisions about
# `internal`, `corp`, `home` and `mail`. `example` is left out: documentation and tests use it, and nobody can receive there.
SPECIAL_USE = frozenset(
    ["alt", "arpa", "corp", "home", "internal", "intranet", "invalid", "lan", "local", "localdomain", "localhost", "mail",
     "onion", "private", "test"]
)  # fmt: skip


class RefusedName(ValueError):
    """A new name that may not be added. The message is a sentence for users."""


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
