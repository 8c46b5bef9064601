"""The values of an address's deletion plan. They contain no times, because these would change the token."""

from __future__ import annotations

from dataclasses import dataclass

from domains.dependents import Dependant
from rest.deletion.plan_token import Plan
from ses_integration.api import Forecast

KIND = "address"


@dataclass(frozen=True, slots=True)
class Route:
    """The endpoint that receives the address's mail, and stays."""

    id: str
    name: str
    type: str
    active: bool


@dataclass(frozen=True, slots=True)
class FromDatabase:
    """Rows and ledger. The deletion compares this part once more while it holds the lock on the domain's row.

    `ses.rules`: the rules that carry the address or that its deletion changes. `dependants`: endpoints whose configuration
    names the address. `other_addresses`: the number of the domain's addresses that stay. `catch_all`: the domain still
    receives mail for the address. `blocked`: the address has a block, which stays.
    """

    address: str
    domain_id: str
    domain: str
    active: bool
    route: Route | None
    dependants: tuple[Dependant, ...]
    ses: Forecast
    other_addresses: int
    catch_all: bool
    blocked: bool


@dataclass(frozen=True, slots=True)
class FromOutside:
    """`ses_problem` says why the present settings do not allow the calls to SES; empty if they do."""

    ses_problem: str


@dataclass(frozen=True, slots=True)
class AddressPlan(Plan[FromDatabase, FromOutside]):
    @property
    def certain(self) -> bool:
        """Whether SES's state is confirmed, and SES can be called."""
        return self.database.ses.certain and not self.outside.ses_problem
