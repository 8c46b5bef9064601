"""Clients that change the same few domains at random, and the answers that they may get."""

from __future__ import annotations

import http.client
import random
from typing import Any

from django.db import connection

from addresses.models import EmailAddress
from domains.models import Domain
from inbound.tests.processes.support.clients import Api
from inbound.tests.processes.support.stack import START_SECONDS, Stack, wait_for

NAMES = [f"d{number}.example.com" for number in range(20)]
# What happens to an existing domain, by weight. A missing domain is added.
WEIGHTS = {"delete the domain": 2, "add an address": 8, "delete an address": 6, "switch catch-all": 4}
CUT_OFF = "cut off"


class ServerFailed(Exception):
    """An answer of 5xx."""


class Client:
    """A client of one server that chooses each step at random.

    `done` lists its steps. `gone` lists the addresses that an answer said SES no longer holds; as every address is used
    only once, SES must never hold one of them again.
    """

    def __init__(
        self, number: int, seed: int, stack: Stack, api: Api, endpoint_id: str, *, may_be_cut_off: bool = False
    ) -> None:
        """`may_be_cut_off`: its server may be killed or paused, so an answer may be missing or a 500."""
        self._number = number
        self._random = random.Random(f"{seed}/{number}")
        self._stack = stack
        self._api = api
        self._endpoint_id = endpoint_id
        self._may_be_cut_off = may_be_cut_off
        self.done: list[str] = []
        self.gone: list[str] = []

    def run(self, operations: int) -> None:
        """Do so many steps. Raises AssertionError for an answer that is not allowed."""
        try:
            for _ in range(operations):
                self.done.append(self._act())
        finally:
            connection.close()

    def _act(self) -> str:
        name = self._random.choice(NAMES)
        [what] = self._random.choices(list(WEIGHTS), list(WEIGHTS.values()))
        domain = Domain.objects.live().filter(name=name).first()
        if domain is None:
            what = "add the domain"
        try:
            if domain is None:
                self._ask({201, 409}, "POST", "domains", {"domain": name})
            elif what == "delete the domain":
                self._ask({200, 404}, "DELETE", f"domains/{domain.pk}")
            elif what == "switch catch-all":
                self._switch_catch_all(domain)
            elif what == "delete an address" and (row := self._some_address(domain)):
                self._delete_address(row)
            else:
                what = "add an address"
                address = f"a{len(self.done)}-{self._number}@{name}"
                self._ask({201, 404}, "POST", "email-addresses", {"address": address, "domainId": domain.pk})
        except (OSError, http.client.HTTPException, ServerFailed):
            if not self._may_be_cut_off:
                raise
            wait_for(self._api.up, within=START_SECONDS, what="the server is back")
            return CUT_OFF
        return what

    def _some_address(self, domain: Domain) -> EmailAddress | None:
        rows = list(EmailAddress.objects.filter(domain=domain).order_by("address"))
        return self._random.choice(rows) if rows else None

    def _delete_address(self, row: EmailAddress) -> None:
        body = self._ask({200, 404}, "DELETE", f"email-addresses/{row.pk}")
        if body.get("cleanup", {}).get("sesRuleUpdated"):
            assert row.address not in self._stack.aws.recipients(), f"SES holds {row.address}, against {body}"
            self.gone.append(row.address)

    def _switch_catch_all(self, domain: Domain) -> None:
        on = not domain.is_catch_all_enabled
        body = {"isCatchAllEnabled": on, "catchAllEndpointId": self._endpoint_id if on else None}
        # 400: a domain whose identity is pending is not verified, and its catch-all cannot be enabled.
        pending = set() if domain.status == Domain.Status.VERIFIED else {400}
        self._ask({200, 404} | pending, "PUT", f"domains/{domain.pk}", body)

    def _ask(self, allowed: set[int], method: str, path: str, body: Any = None) -> Any:
        """Send a request; the status must be one of `allowed`, because other clients change the same rows."""
        answer = self._api.request(method, path, body)
        if answer.status >= 500:
            raise ServerFailed(f"{method} {path} {body}: {answer}")
        assert answer.status in allowed, f"{method} {path} {body}: {answer}"
        return answer.body
