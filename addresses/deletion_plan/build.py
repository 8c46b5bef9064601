"""Build an address's deletion plan, for the API, dry runs, the admin and `plan_delete`."""

from __future__ import annotations

from addresses.deletion_plan.model import KIND, AddressPlan, FromDatabase, FromOutside, route_of
from addresses.models import BlockedEmail, EmailAddress
from domains.dependents import dependents_of
from domains.models import Domain
from domains.provider import addresses_of, spec_of
from rest.deletion import plan_token
from rest.deletion.plan_token import Subject
from ses_integration.api import Preview


def plan_of(address: EmailAddress) -> AddressPlan:
    """The plan. The state of SES is the last confirmed one. Not for use inside a transaction: it looks up credentials."""
    database = _from_database(address)
    return AddressPlan(
        subject=subject_of(address),
        database=database,
        outside=FromOutside(database.ses.configuration_problem()),
        confirmed_at=database.ses.confirmed_at(with_identity=False),
    )


def subject_of(address: EmailAddress) -> Subject:
    return Subject(KIND, address.pk, address.domain.owner_id)


def check_token(address: EmailAddress, token: str) -> None:
    """Compare the database's part again, in the deletion's transaction. Raises PlanOutdated and EmailAddress.DoesNotExist.

    Locks the domain's row first, as every service does that adds or changes one of its addresses.
    """
    Domain.objects.select_for_update().filter(pk=address.domain_id).first()
    row = EmailAddress.objects.select_related("domain__owner", "endpoint").get(pk=address.pk)
    plan_token.check(token, subject_of(row), _from_database(row))


def _from_database(address: EmailAddress) -> FromDatabase:
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
        route=route_of(address),
        dependents=dependents_of(domain, address.address),
        ses=ses,
        other_addresses=len(others),
        catch_all=domain.receives_everything,
        blocked=BlockedEmail.objects.filter(email_address=address.address).exists(),
    )
