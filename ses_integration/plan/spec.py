"""What a domain should receive, as a plain value: all that ses_integration ever learns of the rows above it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AddressSpec:
    """One address that should receive, and its slot: a number from 0, unique in its domain, that it keeps for life."""

    address: str
    slot: int = 0


@dataclass(frozen=True, slots=True)
class DomainSpec:
    """A live domain: its name, where its mail is stored, its active addresses, and whether everything else comes too.

    A domain that is gone or being deleted has no such value at all.
    """

    name: str
    key_prefix: str
    addresses: tuple[AddressSpec, ...] = ()
    catch_all: bool = False
