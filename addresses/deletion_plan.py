"""An address's deletion plan: build its values, and say what they mean to people and to programs.

For the API, dry runs, the admin and `plan_delete`. Most of what plans say about SES is in `domains.deletion_plan.parts`.

The parts of the token contain no times, because these would change it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from addresses.models import BlockedEmail, EmailAddress
from backoffice.text import moment, plural
from domains.deletion_plan import parts
from domains.dependents import Dependent, dependents_of
from domains.models import Domain
from domains.provider import addresses_of, spec_of
from rest.deletion import plan_token
from rest.deletion.plan import Doubt, Part, Plan
from rest.deletion.plan_token import OtherSortOfPlan, PlanOutdated, Subject
from ses_integration.api import Preview

KIND = "address"
INACTIVE = "The address is inactive, so SES should already receive nothing for it."
CATCH_ALL = "The catch-all still receives mail for the address."
NO_ROUTE = "Its mail goes to no endpoint."
TOMBSTONE = (
    "A catch-all does not get its mail, even after that, until you add the address again or lift the deleted address."
)
STORED = "SES still receives mail for the address, because of the catch-all. It is only stored."


@dataclass(frozen=True, slots=True)
class Route:
    """The endpoint that receives the address's mail, and stays."""

    id: str
    name: str
    type: str
    active: bool

    def __str__(self) -> str:
        return f"Endpoint {self.name}{'' if self.active else ' (inactive)'}, which receives its mail."


@dataclass(frozen=True, slots=True)
class FromDatabase:
    """Rows and ledger. The deletion compares this part once more while it holds the lock on the domain's row.

    `ses.rules`: the rules that carry the address or that its deletion changes. `dependents`: endpoints whose configuration
    names the address. `other_addresses`: the number of the domain's addresses that stay. `catch_all`: the domain still
    receives mail for the address. `blocked`: the address has a block, which stays. `grace_days`: 0 if it cannot be restored.
    """

    address: str
    domain_id: str
    domain: str
    active: bool
    route: Route | None
    dependents: tuple[Dependent, ...]
    ses: Preview
    other_addresses: int
    catch_all: bool
    blocked: bool
    grace_days: int


@dataclass(frozen=True, slots=True)
class FromOutside:
    """`ses_problem` says why the present settings do not allow the calls to SES; empty if they do."""

    ses_problem: str


@dataclass(frozen=True, slots=True)
class AddressPlan(Plan[FromDatabase, FromOutside]):
    """`restorable_until`: if it is deleted now. Not a part of the token. None if it cannot be restored."""

    restorable_until: datetime | None

    def doubts(self) -> list[Doubt]:
        return parts.ses_doubts(self.database.ses, self.outside.ses_problem)

    def headline(self) -> str:
        gone = sum(rule.after is None for rule in self.database.ses.rules)
        changed = sum(rule.after is not None and rule.changes for rule in self.database.ses.rules)
        rules = [
            f"{plural(number, 'rule')} {what}" for number, what in ((gone, "deleted"), (changed, "changed")) if number
        ]
        return " · ".join(["1 address", *(rules or ["no rule"])])

    def parts(self) -> list[Part]:
        database, ses = self.database, self.database.ses
        address = {"id": self.subject.pk, "address": database.address, "isActive": database.active}
        lines = [
            *([] if database.active else [INACTIVE]),
            *(parts.rule_lines(ses) if ses.rules or database.active else []),
            *ses.problems,
            *([STORED if database.grace_days else CATCH_ALL] if database.catch_all else []),
        ]
        return [
            parts.ses(self, lines, emailAddress=address),
            parts.calls(ses, self.outside.ses_problem),
            *self._restoring(),
            self._stays(),
        ]

    def _restoring(self) -> list[Part]:
        if self.restorable_until is None:
            return []
        until = f"Until {moment(self.restorable_until)} it can be restored as it is."
        return [Part("Grace period", [until, TOMBSTONE], {"restorableUntil": self.restorable_until})]

    def _stays(self) -> Part:
        database, route = self.database, self.database.route
        others = plural(database.other_addresses, "other email address")
        lines = [
            str(route or NO_ROUTE),
            *map(parts.endpoint_line, database.dependents),
            f"Domain {database.domain}, with {others} and the stored mail.",
            *(["The block on this address."] if database.blocked else []),
        ]
        members = {
            "domain": {
                "id": database.domain_id,
                "name": database.domain,
                "emailAddresses": database.other_addresses,
                "isCatchAllEnabled": database.catch_all,
            },
            "endpoint": route and {"id": route.id, "name": route.name, "type": route.type, "isActive": route.active},
            "dependentEndpoints": [parts.endpoint_members(use) for use in database.dependents],
            "isBlocked": database.blocked,
        }
        return Part(parts.STAYS, lines, {"stays": members})


def plan_of(address: EmailAddress, *, permanent: bool = False) -> AddressPlan:
    """The plan. The state of SES is the last confirmed one. Not for use inside a transaction: it looks up credentials."""
    database = _from_database(address, permanent)
    grace = timedelta(days=database.grace_days)
    return AddressPlan(
        subject=subject_of(address),
        database=database,
        outside=FromOutside(database.ses.configuration_problem()),
        confirmed_at=database.ses.confirmed_at(with_identity=False),
        restorable_until=timezone.now() + grace if grace else None,
    )


def subject_of(address: EmailAddress) -> Subject:
    return Subject(KIND, address.pk, address.domain.owner_id)


def check_plan(address: EmailAddress, token: str, *, permanent: bool) -> None:
    """Compare the whole plan, before the deletion's transaction. Raises PlanOutdated."""
    try:
        plan_of(address, permanent=permanent).check(token)
    except PlanOutdated:
        if settings.ADDRESS_DELETE_GRACE_DAYS:
            plan_of(address, permanent=not permanent).check(token)
            raise OtherSortOfPlan(permanent=permanent) from None
        raise


def check_token(address: EmailAddress, token: str, *, permanent: bool = False) -> None:
    """Compare the database's part again, in the deletion's transaction. Raises PlanOutdated and EmailAddress.DoesNotExist.

    Locks the domain's row first, as every service does that adds or changes one of its addresses.
    """
    Domain.objects.select_for_update().filter(pk=address.domain_id).first()
    row = EmailAddress.objects.select_related("domain__owner", "endpoint").get(pk=address.pk)
    plan_token.check(token, subject_of(row), _from_database(row, permanent))


def summary(address: EmailAddress) -> list[str]:
    """The most important consequences, without a plan, for many addresses. Makes no statement if their relations are fetched."""
    route = _route_of(address)
    return [
        *([] if address.is_active else [INACTIVE]),
        f"{parts.STAYS}: {route}" if route else NO_ROUTE,
        *([STORED if _grace_days(address) else CATCH_ALL] if address.domain.receives_everything else []),
    ]


def _from_database(address: EmailAddress, permanent: bool) -> FromDatabase:
    domain = address.domain
    rows = addresses_of(domain)
    others = [row for row in rows if row[0] != address.address]
    after = spec_of(domain, others) if domain.deleting_since is None else None
    ses = Preview.of(spec_of(domain, rows), after).concerning({address.address, domain.name})
    return FromDatabase(
        address=address.address,
        domain_id=domain.pk,
        domain=domain.name,
        active=address.is_active,
        route=_route_of(address),
        dependents=dependents_of(domain, address.address),
        ses=ses,
        other_addresses=len(others),
        catch_all=domain.receives_everything,
        blocked=BlockedEmail.objects.filter(email_address=address.address).exists(),
        grace_days=0 if permanent else _grace_days(address),
    )


def _grace_days(address: EmailAddress) -> int:
    days: int = settings.ADDRESS_DELETE_GRACE_DAYS
    return days if address.domain.deleting_since is None else 0


def _route_of(address: EmailAddress) -> Route | None:
    """The endpoint that receives the address's mail; never another user's, even if the address was routed to one."""
    endpoint = address.endpoint
    if endpoint is None or endpoint.owner_id != address.domain.owner_id:
        return None
    return Route(endpoint.pk, endpoint.name, endpoint.type, endpoint.is_active)
