"""Plain description of a domain: all that `ses_integration` knows about the rows of the apps above."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class AddressSpec:
    """An active address. `slot`: a number from 0, unique in its domain, which the address keeps for life."""

    address: str
    slot: int = 0


@dataclass(frozen=True, slots=True)
class DomainSpec:
    """A live domain and its active addresses. A domain that does not exist or is being deleted has no spec.

    SES stores its mail under `key_prefix`. `catch_all`: the domain receives mail for every address. The `inactive` addresses
    matter only to deletion plans, which show no addresses of other incarnations of the name.
    """

    name: str
    key_prefix: str
    addresses: tuple[AddressSpec, ...] = ()
    catch_all: bool = False
    inactive: tuple[str, ...] = ()

    @property
    def recipients(self) -> frozenset[str]:
        """Everything that SES may receive, or may have received, mail for."""
        names = [*(address.address for address in self.addresses), *self.inactive]
        return frozenset([*names, self.name] if self.catch_all else names)

    @classmethod
    def of(
        cls, name: str, key_prefix: str, slots: Mapping[str, int], *, catch_all: bool, inactive: Iterable[str] = ()
    ) -> Self:
        """The spec of a domain whose active addresses have these slots."""
        addresses = tuple(AddressSpec(address, slot) for address, slot in slots.items())
        return cls(name, key_prefix, addresses, catch_all, tuple(inactive))
