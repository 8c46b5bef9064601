"""What a deletion of an address would do, as it is known now: behind the API, dry runs, the admin and `plan_delete`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from addresses.models import BlockedEmail, EmailAddress
from domains.dependents import Dependant, dependants_of
from domains.models import Domain
from domains.provider import addresses_of, incarnation_of
from rest import plan_token
from rest.plan_token import PlanToken, Subject
from ses_integration.plan.simulate import Forecast, RuleChange
from ses_integration.status import preview

KIND = "address"


@dataclass(frozen=True, slots=True)
class Route:
    """The endpoint that its mail goes to. It stays."""

    id: str
    name: str
    type: str
    active: bool


@dataclass(frozen=True, slots=True)
class FromDatabase:
    """What rows and ledger say: compared once more while the deletion holds the domain's row.

    `ses.rules` are those that carry the address or that its deletion changes. `dependants` are endpoints that name the
    address, and `other_addresses` the domain's that stay. `catch_all`: it goes on receiving mail for the address.
    `blocked`: there is a block of it, which stays.
    """

    address: str
    domain_id: str
    domain: str
    active: bool
    route: Route | None
    dependants: tuple[Dependant, ...]
    ses: Forecast
    ses_seconds: float
    other_addresses: int
    catch_all: bool
    blocked: bool


@dataclass(frozen=True, slots=True)
class FromOutside:
    """Why SES cannot be called with the present settings."""

    problem: str


@dataclass(frozen=True, slots=True)
class AddressPlan:
    """`confirmed_at`: when SES last confirmed something of what is said of it here."""

    subject: Subject
    database: FromDatabase
    outside: FromOutside
    confirmed_at: datetime | None

    @property
    def token(self) -> PlanToken:
        return PlanToken.of(self.subject, self.database, self.outside)

    @property
    def certain(self) -> bool:
        return self.database.ses.certain and not self.outside.problem


def plan_of(address: EmailAddress) -> AddressPlan:
    """Reads the database only."""
    database = _from_database(address)
    return AddressPlan(
        subject=subject_of(address),
        database=database,
        outside=FromOutside(preview.configuration_problem(database.ses)),
        confirmed_at=preview.confirmed_at(database.domain, (rule.name for rule in database.ses.rules)),
    )


def subject_of(address: EmailAddress) -> Subject:
    return Subject(KIND, address.pk, address.domain.owner_id)


def check_plan(address: EmailAddress, token: str) -> None:
    """The whole plan, before the deletion's transaction. Raises PlanOutdated."""
    if str(plan_of(address).token) != token:
        raise plan_token.PlanOutdated


def check_token(address: EmailAddress, token: str) -> None:
    """The database's part once more, inside the deletion's transaction. Raises PlanOutdated, EmailAddress.DoesNotExist.

    Locks the domain's row, as everybody does who adds or changes one of its addresses, and before any address.
    """
    Domain.objects.select_for_update().filter(pk=address.domain_id).first()
    row = EmailAddress.objects.select_related("domain__owner", "endpoint").get(pk=address.pk)
    plan_token.check(token, subject_of(row), _from_database(row))


def _from_database(address: EmailAddress) -> FromDatabase:
    domain = address.domain
    rows = addresses_of(domain)
    others = [row for row in rows if row[0] != address.address]
    after = incarnation_of(domain, others).spec if domain.deleting_since is None else None
    ses = preview.preview(incarnation_of(domain, rows), after)
    # Nothing of others shows, wherever somebody has routed the address.
    endpoint = address.endpoint if address.endpoint and address.endpoint.owner_id == domain.owner_id else None
    return FromDatabase(
        address=address.address,
        domain_id=domain.pk,
        domain=domain.name,
        active=address.is_active,
        route=None if endpoint is None else Route(endpoint.pk, endpoint.name, endpoint.type, endpoint.is_active),
        dependants=dependants_of(domain, address.address),
        ses=replace(ses, rules=tuple(rule for rule in ses.rules if _concerns(rule, address))),
        ses_seconds=preview.expected_seconds(ses),
        other_addresses=len(others),
        catch_all=domain.receives_everything,
        blocked=BlockedEmail.objects.filter(email_address=address.address).exists(),
    )


def _concerns(rule: RuleChange, address: EmailAddress) -> bool:
    carried = {*(rule.before or ()), *rule.may_add}
    return rule.changes or not carried.isdisjoint({address.address, address.domain.name})
