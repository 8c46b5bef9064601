"""Endpoints that depend on a domain or an address: they receive its mail, forward to it or send from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any

from django.db.models import Count, Exists, OuterRef

from domains.models import Domain
from domains.names import normalise_address, normalise_domain

FORWARDERS = ("email", "email_group")


@dataclass(frozen=True, slots=True)
class NamedAddresses:
    """A domain's addresses that an endpoint's configuration contains, as written there. `sends_from` may be empty."""

    forwards_to: tuple[str, ...] = ()
    sends_from: str = ""

    def __bool__(self) -> bool:
        return bool(self.forwards_to or self.sends_from)


@dataclass(frozen=True, slots=True)
class EndpointUse:
    """An endpoint of the owner that receives mail of the domain or names one of its addresses.

    `used_elsewhere`: it also receives mail of the owner's other domains.
    """

    id: str
    name: str
    type: str
    email_addresses: int
    catch_all: bool
    used_elsewhere: bool
    names: NamedAddresses


@dataclass(frozen=True, slots=True)
class Dependent:
    """An endpoint of the owner that forwards to an address or sends from it."""

    id: str
    name: str
    type: str
    names: NamedAddresses


def uses_of(domain: Domain) -> tuple[EndpointUse, ...]:
    """The owner's endpoints that depend on the domain, by name; three statements.

    Ignores the endpoints and domains of other users, so nothing of theirs is revealed.
    """
    # `email_addresses` and `endpoints`: reverse accessors of models in the apps above this one.
    routed = domain.email_addresses.filter(endpoint__isnull=False).order_by()
    addresses = dict(routed.values_list("endpoint_id").annotate(Count("pk")))
    used = {*addresses, *filter(None, [domain.catch_all_endpoint_id])}
    own = domain.owner.endpoints
    rows = own.filter(pk__in=used) | own.filter(type__in=FORWARDERS).may_name(domain.name)
    found = [
        (pk, name, kind, names)
        for pk, name, kind, config in rows.order_by("name", "pk").values_list("pk", "name", "type", "config")
        if (names := _names(kind, config, lambda address: _is_of(address, domain.name))) or pk in used
    ]
    if not found:
        return ()
    others = Domain.objects.live().filter(owner_id=domain.owner_id).exclude(pk=domain.pk)
    # A range with one id: with `=`, PostgreSQL may expect to find an address soon, and reads all of them if there is none.
    same = {"email_addresses__endpoint__gte": OuterRef("pk"), "email_addresses__endpoint__lte": OuterRef("pk")}
    by_address = Exists(others.filter(**same))
    by_catch_all = Exists(others.filter(catch_all_endpoint=OuterRef("pk")))
    shown = own.filter(pk__in=[pk for pk, *_ in found])
    used_elsewhere = set(shown.filter(by_address | by_catch_all).values_list("pk", flat=True))
    return tuple(
        EndpointUse(
            id=pk,
            name=name,
            type=kind,
            email_addresses=addresses.get(pk, 0),
            catch_all=pk == domain.catch_all_endpoint_id,
            used_elsewhere=pk in used_elsewhere,
            names=names,
        )
        for pk, name, kind, names in found
    )


def dependents_of(domain: Domain, address: str) -> tuple[Dependent, ...]:
    """The owner's endpoints that forward to or send from `address`, an address of the domain; one statement."""
    rows = domain.owner.endpoints.filter(type__in=FORWARDERS).may_name(domain.name).order_by("name", "pk")
    return tuple(
        Dependent(pk, name, kind, names)
        for pk, name, kind, config in rows.values_list("pk", "name", "type", "config")
        if (names := _names(kind, config, lambda given: _is_of(given, domain.name) and _goes_to(given, address)))
    )


def _names(kind: str, config: Any, matches: Callable[[str], bool]) -> NamedAddresses:
    if kind not in FORWARDERS or not isinstance(config, dict):
        return NamedAddresses()
    given = [config.get("forwardTo")] if kind == "email" else config.get("emails") or []
    sender = config.get("fromAddress")
    return NamedAddresses(
        forwards_to=tuple(address for address in given if isinstance(address, str) and matches(address)),
        # It may contain a display name.
        sends_from=sender if isinstance(sender, str) and matches(parseaddr(sender)[1]) else "",
    )


def _is_of(address: str, domain: str) -> bool:
    _, at, name = address.rpartition("@")
    if name.isascii():
        return bool(at) and name.strip().removesuffix(".").lower() == domain
    try:
        return bool(at) and normalise_domain(name) == domain
    except ValueError:
        return False


def _goes_to(given: str, address: str) -> bool:
    """Whether mail for `given` reaches `address`. SES delivers mail for `user+label@` to `user@` as well."""
    try:
        local, _, name = normalise_address(given).rpartition("@")
    except ValueError:
        return False
    return address in (f"{local}@{name}", f"{local.partition('+')[0]}@{name}")
