"""An installation that operations are tried on, and what its domains receive, as values that a table can hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from rest_framework.test import APIClient

from addresses.models import EmailAddress
from domains.models import Domain
from inbound.tests.factories import DomainFactory, EmailAddressFactory, EndpointFactory
from ses_integration.emulator.server import Emulator

# So few, that a third address needs a second rule.
RECIPIENTS_PER_RULE = 2


class Holding:
    """What a domain receives: the local parts, a letter each, that every rule of it carries, and what else it has."""

    def __init__(self, *rules: str, inactive: str = "", catch_all: bool = False) -> None:
        self.active = "".join(rules)
        self.inactive = inactive
        self.catch_all = catch_all
        self._rules = rules

    def rules(self, domain: str) -> dict[str, set[str]]:
        """The recipients by rule, as SES should hold them."""
        if self.catch_all:
            return {f"inbound-{domain}-catchall-rule": {domain}}
        return {
            f"inbound-{domain}-rule{f'-{number}' if number > 1 else ''}": {f"{local}@{domain}" for local in carried}
            for number, carried in enumerate(self._rules, start=1)
        }

    def rows(self, domain: str) -> tuple[bool, dict[str, bool]]:
        """Whether everything is received, and for each address whether it is active."""
        return self.catch_all, {f"{local}@{domain}": local in self.active for local in self.active + self.inactive}


@dataclass
class World:
    """A user with the API, an administrator, and the emulated SES; `expected` is what there should be in the end."""

    ses: Emulator
    user: User
    api: APIClient
    admin: Client
    expected: dict[str, Holding] = field(default_factory=dict)

    def add(self, name: str, holding: Holding) -> None:
        """Rows and SES as they are after some days of use."""
        with transaction.atomic():
            domain = DomainFactory(
                owner=self.user,
                name=name,
                is_catch_all_enabled=holding.catch_all,
                catch_all_endpoint=EndpointFactory(owner=self.user) if holding.catch_all else None,
            )
            for local in holding.active + holding.inactive:
                EmailAddressFactory(domain=domain, address=f"{local}@{name}", is_active=local in holding.active)

    def answer(self, method: str, path: str, body: Any = None) -> Any:
        """The API's answer, which must be a success: SES's trouble is never the client's."""
        response = getattr(self.api, method)(f"/api/v2/{path}", body)
        assert 200 <= response.status_code < 300, (response.status_code, response.content)
        return response.json()


def domain(name: str) -> Domain:
    return Domain.objects.get(name=name)


def address(text: str) -> EmailAddress:
    return EmailAddress.objects.get(address=text)


def rows() -> dict[str, tuple[bool, dict[str, bool]]]:
    """What the rows of every domain say, as `Holding.rows` has it; those of one that is half gone, too."""
    found: dict[str, tuple[bool, dict[str, bool]]] = {
        row.name: (row.receives_everything, {}) for row in Domain.objects.all()
    }
    for text, active, name in EmailAddress.objects.values_list("address", "is_active", "domain__name"):
        found[name][1][text] = active
    return found
