"""Plain description of a domain: all that `ses_integration` knows about the rows of the apps above."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, Self


class AddressSpec(NamedTuple):
    """An active address. `slot`: a number from 0, unique in its domain, which the address keeps for life.

    A tuple, because every pass makes one for each address of its domain.
    """

    address: str
    slot: int = 0


class MailFrom(NamedTuple):
    """A MAIL FROM domain. Unless it is `chosen` by the owner, only an identity of ours that has none gets it."""

    domain: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class DomainSpec:
    """A live domain and its addresses. A domain that does not exist or is being deleted has no spec.

    SES stores its mail under `key_prefix`. SES should receive for `addresses`, the active ones, or with `catch_all` for every
    address. `mail_from`: None for the default. The `inactive` addresses change no
    rule, so the reconciler gets none. A deletion plan needs them all: it would take a forgotten one for an address of another
    incarnation of the name. That is why they have no default.
    """

    name: str
    key_prefix: str
    addresses: tuple[AddressSpec, ...] = ()
    catch_all: bool = False
    mail_from: MailFrom | None = None
    inactive: tuple[str, ...] = field(kw_only=True)

    @property
    def recipients(self) -> frozenset[str]:
        """Everything that SES may receive, or may have received, mail for."""
        names = [*(address.address for address in self.addresses), *self.inactive]
        return frozenset([*names, self.name] if self.catch_all else names)

    @classmethod
    def without_inactive(
        cls,
        name: str,
        key_prefix: str,
        active: Iterable[tuple[str, int]],
        *,
        catch_all: bool,
        mail_from: MailFrom | None = None,
    ) -> Self:
        """The spec for the reconciler, from the active addresses and their slots."""
        return cls(name, key_prefix, tuple(map(AddressSpec._make, active)), catch_all, mail_from, inactive=())

    @classmethod
    def of(
        cls,
        name: str,
        key_prefix: str,
        addresses: Iterable[tuple[str, bool, int]],
        *,
        catch_all: bool,
        mail_from: MailFrom | None = None,
    ) -> Self:
        """The spec of a domain from the rows of its addresses: address, whether it is active, and its slot."""
        rows = list(addresses)
        active = tuple(AddressSpec(address, slot) for address, is_active, slot in rows if is_active)
        inactive = tuple(address for address, is_active, _ in rows if not is_active)
        return cls(name, key_prefix, active, catch_all, mail_from, inactive=inactive)
