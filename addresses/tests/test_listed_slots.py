"""Which changes of addresses let the reconciler read one rule (docs/architecture/protocol.md, "Read one rule")."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction
from django.db.models import Value
from django.db.models.signals import post_delete
from django.test.utils import CaptureQueriesContext

from addresses.deletion import ADDED_AGAIN, delete_address, delete_addresses
from addresses.models import EmailAddress
from addresses.services import create_address, update_address
from inbound.tests.support.aws import fail_calls, rules
from inbound.tests.support.factories import EmailAddressFactory, EndpointFactory
from ses_integration.drift.sweep import sweep_database

pytestmark = pytest.mark.sqlite
FIRST, SECOND = "inbound-example.com-rule", "inbound-example.com-rule-2"
A, B, C, D = (f"{local}@example.com" for local in "abcd")


@pytest.fixture
def rows(domain, ses, settings):
    """`a` and `b` are in the first rule, `c` in the second, where slot 3 is free."""
    settings.SES_MAX_RECIPIENTS_PER_RULE = 2
    rows = [EmailAddressFactory(domain=domain, address=address) for address in (A, B, C)]
    sweep_database()
    return rows


@contextmanager
def reading(*, one_rule: bool) -> Iterator[None]:
    """Assert that the passes in this block read one rule, or whole domains."""
    with CaptureQueriesContext(connection) as captured:
        yield
    reads = ["BETWEEN" in query["sql"] for query in captured if "LEFT JOIN addresses_emailaddress" in query["sql"]]
    assert reads
    assert set(reads) == {one_rule}


def test_services_list_the_slot_of_one_address(rows, ses):
    with reading(one_rule=True):
        created = create_address(domain=rows[0].domain, address=D, endpoint_id=None).address
    assert rules(ses) == {FIRST: {A, B}, SECOND: {C, D}}
    with reading(one_rule=True):
        update_address(address=created, changes={"is_active": False})
    assert rules(ses) == {FIRST: {A, B}, SECOND: {C}}
    with reading(one_rule=True):
        delete_address(rows[2])
    assert rules(ses) == {FIRST: {A, B}}


def test_services_list_nothing_for_several_addresses(rows, ses):
    with reading(one_rule=False):
        delete_addresses([rows[0], rows[2]])
    assert rules(ses) == {FIRST: {B}}


def test_inserted_row_lists_its_slot(rows, ses):
    with reading(one_rule=True):
        EmailAddress.objects.create(domain=rows[0].domain, address=D)
    assert rules(ses) == {FIRST: {A, B}, SECOND: {C, D}}


def test_rows_inserted_in_one_transaction_list_nothing(rows, ses):
    with reading(one_rule=False), transaction.atomic():
        for local in "xyz":
            EmailAddress.objects.create(domain=rows[0].domain, address=f"{local}@example.com")
    assert set().union(*rules(ses).values()) == {A, B, C, *(f"{local}@example.com" for local in "xyz")}


def test_another_change_in_the_transaction_of_a_service_lists_nothing(rows, ses):
    """A receiver cannot know that a service has locked the row of another address."""
    with reading(one_rule=False), transaction.atomic():
        EmailAddress.objects.create(domain=rows[0].domain, address=D)
        rows[0].delete()
    assert rules(ses) == {FIRST: {B}, SECOND: {C, D}}


def switched_off(row: EmailAddress, **options: list[str]) -> None:
    row.is_active = False
    row.save(**options)


def with_another_slot(row: EmailAddress) -> EmailAddress:
    row.slot = 700
    return row


def moved_meanwhile(row: EmailAddress) -> EmailAddress:
    """An instance that was read before its row got another slot."""
    other = EmailAddress.objects.get(pk=row.pk)
    other.slot = 700
    other.save(update_fields=["slot"])
    return row


def without_its_slot(row: EmailAddress) -> EmailAddress:
    return EmailAddress.objects.only("address", "is_active").get(pk=row.pk)


@pytest.mark.parametrize("known", [lambda row: row, with_another_slot, moved_meanwhile, without_its_slot])
@pytest.mark.parametrize(
    "change",
    [
        lambda row: row.delete(),
        lambda row: switched_off(row, update_fields=["is_active"]),
        lambda row: switched_off(row),
    ],
    ids=["delete", "save one column", "save"],
)
def test_change_of_an_instance_lists_nothing_because_its_slot_may_be_wrong(
    rows, ses, known: Callable[[EmailAddress], EmailAddress], change: Callable[[EmailAddress], object]
):
    row = known(rows[1])
    with reading(one_rule=False):
        change(row)
    assert rules(ses) == {FIRST: {A}, SECOND: {C}}


def test_deleted_query_lists_nothing(rows, ses):
    with reading(one_rule=False):
        EmailAddress.objects.only("address").filter(address=B).delete()
    assert rules(ses) == {FIRST: {A}, SECOND: {C}}


@pytest.mark.parametrize("slot", [3.0, "3", Value(3)], ids=repr)
def test_row_inserted_with_a_slot_of_another_type_lists_nothing(rows, ses, slot):
    with reading(one_rule=False):
        EmailAddress.objects.create(domain=rows[0].domain, address=D, slot=slot)
    assert rules(ses) == {FIRST: {A, B}, SECOND: {C, D}}


def test_deletion_is_not_confirmed_while_another_rule_has_the_address(rows, ses):
    EmailAddress.objects.filter(address=B).update(slot=700)
    deleted = delete_address(EmailAddress.objects.get(address=B))
    assert not deleted.removed_from_ses
    assert rules(ses) == {FIRST: {A, B}, SECOND: {C}}
    assert sweep_database() == ["example.com"]


@contextmanager
def adding_again(row: EmailAddress, *, is_active: bool) -> Iterator[None]:
    """Add the address again as soon as its deletion is committed, before SES has confirmed it."""

    def add(**_: object) -> None:
        again = {"domain": row.domain, "address": row.address, "is_active": is_active}
        transaction.on_commit(lambda: EmailAddress.objects.create(**again))

    post_delete.connect(add, sender=EmailAddress)
    try:
        yield
    finally:
        post_delete.disconnect(add, sender=EmailAddress)


def test_deletion_says_that_the_address_was_added_again_before_it_was_confirmed(rows, ses):
    with adding_again(rows[1], is_active=True):
        deleted = delete_address(rows[1])
    assert (deleted.removed_from_ses, deleted.warning) == (False, ADDED_AGAIN)
    assert rules(ses) == {FIRST: {A, B}, SECOND: {C}}


def test_deletion_does_not_say_that_ses_keeps_receiving_for_an_inactive_address(rows, ses, impatient):
    fail_calls(ses)
    with adding_again(rows[1], is_active=False):
        deleted = delete_address(rows[1])
    assert not deleted.removed_from_ses
    assert deleted.warning is not None
    assert deleted.warning.startswith("SES rule update failed:")


def test_endpoint_is_no_reason_to_read_anything(rows, ses):
    update_address(address=rows[0], changes={"endpoint_id": EndpointFactory(owner=rows[0].domain.owner).pk})
    assert sweep_database() == []
