"""An installation to run operations on, and the expected receiving of its domains as values for a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from rest_framework.test import APIClient

from addresses.models import EmailAddress
from domains.models import Domain
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory, EndpointFactory
from ses_integration.emulator.server import Emulator

# So small that a third address needs a second rule.
RECIPIENTS_PER_RULE = 2


class Receiving:
    """What a domain receives.

    Each argument lists the local parts, one letter each, that one rule holds: `Receiving("ab", "c")` is two rules.
    `inactive` lists the addresses that are switched off. A domain that is `held` is in its grace period: SES has its identity.
    """

    def __init__(self, *rules: str, inactive: str = "", catch_all: bool = False, held: bool = False) -> None:
        self.active = "".join(rules)
        self.inactive = inactive
        self.catch_all = catch_all
        self.held = held
        self._rules = rules

    def rules(self, domain: str) -> dict[str, set[str]]:
        """The recipients by rule name that SES should hold."""
        if self.held:
            return {}
        if self.catch_all:
            return {f"inbound-{domain}-catchall-rule": {domain}}
        return {
            f"inbound-{domain}-rule{f'-{number}' if number > 1 else ''}": {f"{local}@{domain}" for local in held}
            for number, held in enumerate(self._rules, start=1)
        }

    def rows(self, domain: str) -> tuple[bool, dict[str, bool]]:
        """Whether the catch-all is on, and for each address whether it is active."""
        return self.catch_all, {f"{local}@{domain}": local in self.active for local in self.active + self.inactive}


@dataclass
class Installation:
    """A user with the API, an administrator, and the emulated SES. `expected` is the final state, by domain name."""

    ses: Emulator
    user: User
    api: APIClient
    admin: Client
    expected: dict[str, Receiving] = field(default_factory=dict)

    def add(self, name: str, receiving: Receiving) -> None:
        """Create the rows of a domain and let SES follow."""
        with transaction.atomic():
            domain = DomainFactory(
                owner=self.user,
                name=name,
                is_catch_all_enabled=receiving.catch_all,
                catch_all_endpoint=EndpointFactory(owner=self.user) if receiving.catch_all else None,
            )
            for local in receiving.active + receiving.inactive:
                EmailAddressFactory(domain=domain, address=f"{local}@{name}", is_active=local in receiving.active)

    def answer(self, method: str, path: str, body: Any = None) -> Any:
        """Call the API. It must answer with success, whatever SES does."""
        response = getattr(self.api, method)(f"/api/v2/{path}", body)
        assert 200 <= response.status_code < 300, (response.status_code, response.content)
        return response.json()


def domain(name: str) -> Domain:
    return Domain.objects.get(name=name)


def address(text: str) -> EmailAddress:
    return EmailAddress.objects.get(address=text)


def rows() -> dict[str, tuple[bool, dict[str, bool]]]:
    """What the rows of every domain say, in the form of `Receiving.rows`. Includes domains that are being deleted."""
    found: dict[str, tuple[bool, dict[str, bool]]] = {
        row.name: (row.receives_everything, {}) for row in Domain.objects.all()
    }
    for text, active, name in EmailAddress.objects.values_list("address", "is_active", "domain__name"):
        found[name][1][text] = active
    return found
