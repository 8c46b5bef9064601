"""The counts of a domain's rows are right whatever writes the rows."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import count

import pytest
from django.db import connection, transaction
from django.db.models import F, Value
from hypothesis import given, settings
from hypothesis import strategies as st

from addresses.deletion import delete_addresses
from addresses.models import BlockedEmail, EmailAddress
from domains.models import DnsRecord, Domain
from inbound.tests.support.database import empty_tables
from inbound.tests.support.factories import DomainFactory, UserFactory

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("no_region")]

COUNTED: dict[str, Callable[[Domain], int]] = {
    "address_count": lambda domain: domain.email_addresses.count(),
    "active_address_count": lambda domain: domain.email_addresses.active().count(),
    "blocked_email_count": lambda domain: domain.blocked_emails.count(),
    "dns_record_count": lambda domain: domain.dns_records.count(),
}
NUMBERS = count()


class Undone(Exception):
    pass


def new_address(domain: Domain, *, is_active: bool = True) -> EmailAddress:
    number = next(NUMBERS)
    return EmailAddress(domain=domain, address=f"a{number}@{domain.name}", slot=number, is_active=is_active)


def run(sql: str, *values: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def create_in_bulk(one: Domain, other: Domain) -> None:
    EmailAddress.objects.bulk_create(new_address(one if n % 2 else other, is_active=n % 3 > 0) for n in range(5))
    BlockedEmail.objects.bulk_create(
        BlockedEmail(domain=domain, email_address=f"b{next(NUMBERS)}@{domain.name}") for domain in (one, other, one)
    )


def create_again(one: Domain, other: Domain) -> None:
    """Rows of which some exist: they are updated or ignored."""
    rows = [*one.email_addresses.all()[:2], new_address(one), new_address(other)]
    for row in rows:
        row.is_active = not row.is_active
    EmailAddress.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["address"], update_fields=["is_active"]
    )
    DnsRecord.objects.bulk_create(
        [DnsRecord(domain=domain, record_type="TXT", name="n", value="v") for domain in (one, other)],
        ignore_conflicts=True,
    )


def save_each(one: Domain, other: Domain) -> None:
    for row in one.email_addresses.all()[:2]:
        row.is_active, row.domain = not row.is_active, other
        row.save()


def delete_domain(one: Domain, other: Domain) -> None:
    Domain.objects.get(pk=one.pk).delete()
    Domain(pk=one.pk, name=one.name, owner=one.owner, address_count=7).save(force_insert=True)


def delete_without_signals(one: Domain, other: Domain) -> None:
    for rows in (one.email_addresses.all(), one.blocked_emails.all(), one.dns_records.all()):
        rows._raw_delete(rows.db)


# Each gets two domains as they were read before all operations.
OPERATIONS: dict[str, Callable[[Domain, Domain], object]] = {
    "save": lambda one, other: new_address(one).save(),
    "create in bulk": create_in_bulk,
    "create again": create_again,
    "save each": save_each,
    "save the domain": lambda one, other: one.save(),
    "save the domain in bulk": lambda one, other: Domain.objects.bulk_update([one, other], ["status"]),
    "deactivate": lambda one, other: one.email_addresses.update(is_active=False),
    "activate all": lambda one, other: EmailAddress.objects.update(is_active=True, slot=F("slot") + Value(0)),
    "move": lambda one, other: one.email_addresses.update(domain=other),
    "move other rows": lambda one, other: one.blocked_emails.update(domain=other),
    "delete a row": lambda one, other: [row.delete() for row in one.email_addresses.all()[:1]],
    "delete rows": lambda one, other: one.email_addresses.filter(is_active=True).delete(),
    "delete with the service": lambda one, other: delete_addresses(list(EmailAddress.objects.all()[:3])),
    "delete without signals": delete_without_signals,
    "delete the domain": delete_domain,
    "delete with SQL": lambda one, other: run("DELETE FROM addresses_emailaddress"),
    "update with SQL": lambda one, other: run(
        "UPDATE addresses_emailaddress SET is_active = NOT is_active, domain_id = %s", other.pk
    ),
}
STEPS = st.tuples(st.sampled_from(sorted(OPERATIONS)), st.booleans(), st.booleans())


@settings(max_examples=60)
@given(steps=st.lists(STEPS, max_size=12))
def test_counts_equal_the_rows_after_any_writes(steps):
    empty_tables()
    owner = UserFactory()
    domains = [DomainFactory(owner=owner, name=f"{name}.example.com") for name in ("one", "other")]
    create_in_bulk(*domains)
    for name, is_swapped, is_undone in steps:
        operation, chosen = OPERATIONS[name], domains[:: -1 if is_swapped else 1]
        # The service opens a transaction of its own.
        if is_undone and "service" not in name:
            with suppress(Undone), transaction.atomic(), transaction.atomic():
                operation(*chosen)
                raise Undone
        else:
            operation(*chosen)
        for domain in Domain.objects.all():
            found = {column: getattr(domain, column) for column in COUNTED}
            assert found == {column: rows(domain) for column, rows in COUNTED.items()}, name
