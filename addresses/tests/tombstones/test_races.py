"""Restoring at the same time as something else: exactly one wins, and SES follows the rows."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction

from addresses.models import DeletedAddress, EmailAddress
from addresses.services import AddressTaken, create_address
from addresses.tombstones.lift import lift
from addresses.tombstones.restore import ADDED_AGAIN, DOMAIN_GONE, RESTORED_ALREADY, CannotRestore, restore_address
from domains.deletion.service import delete_domain
from domains.models import Domain, DomainAccess, DomainDeletion, lock_live_domain
from endpoints.models import Endpoint
from endpoints.services import delete_endpoint
from inbound.tests.processes.support.stack import wait_for
from inbound.tests.support.aws import rules
from inbound.tests.support.database_locks import a_transaction_waits_for_a_lock, transactions_that_wait_for_a_lock
from inbound.tests.support.factories import DeletedAddressFactory, EndpointFactory, UserFactory

pytestmark = pytest.mark.postgresql

A = "a@example.com"


@pytest.fixture
def tombstone(domain, ses) -> DeletedAddress:
    row: DeletedAddress = DeletedAddressFactory(domain=domain, address=A)
    return row


def together(domain: Domain, *works: Callable[[], Any]) -> list[Any]:
    """Do these at once: all wait for the domain's row before the first goes on. Returns what each returned or raised."""

    def run(work: Callable[[], Any]) -> Any:
        try:
            return work()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as threads:
        with transaction.atomic():
            lock_live_domain(domain.pk)
            running = []
            for number, work in enumerate(works, 1):
                running.append(threads.submit(run, work))
                wait_for(partial(_so_many_wait, number), within=60, what="it waited for the domain")
        return [each.result() for each in running]


def _so_many_wait(number: int) -> bool:
    return transactions_that_wait_for_a_lock() == number


def test_of_two_that_restore_it_one_does(domain, tombstone, ses):
    first, second = together(domain, lambda: restore_address(tombstone), lambda: restore_address(tombstone))
    assert first.address.pk == tombstone.pk
    assert (type(second), str(second)) == (CannotRestore, RESTORED_ALREADY)
    assert EmailAddress.objects.get().pk == tombstone.pk
    assert rules(ses) == {"inbound-example.com-rule": {A}}
    domain.refresh_from_db()
    assert domain.address_count == 1


def test_whoever_adds_it_again_first_keeps_it(domain, tombstone, ses):
    added, restored = together(
        domain,
        lambda: create_address(domain=domain, address=A, endpoint_id=None),
        lambda: restore_address(tombstone),
    )
    assert added.address.pk == EmailAddress.objects.get().pk != tombstone.pk
    assert (type(restored), str(restored)) == (CannotRestore, ADDED_AGAIN)
    assert not DeletedAddress.objects.exists()


def test_it_cannot_be_added_again_once_it_is_restored(domain, tombstone, ses):
    restored, added = together(
        domain,
        lambda: restore_address(tombstone),
        lambda: create_address(domain=domain, address=A, endpoint_id=None),
    )
    assert restored.address.pk == EmailAddress.objects.get().pk == tombstone.pk
    assert type(added) is AddressTaken


def test_a_deletion_of_the_domain_that_comes_first_takes_the_tombstone(domain, tombstone, ses):
    report, restored = together(
        domain,
        lambda: delete_domain(domain=domain, requested_by="jo"),
        lambda: restore_address(tombstone),
    )
    assert isinstance(report, DomainDeletion)
    assert (type(restored), str(restored)) == (CannotRestore, DOMAIN_GONE)
    assert not Domain.objects.exists()
    assert not EmailAddress.objects.exists()
    assert not DeletedAddress.objects.exists()
    assert rules(ses) == {}


def test_a_deletion_of_the_domain_that_comes_second_takes_the_restored_address(domain, tombstone, ses):
    # The wait for SES ends with the domain: its deletion is all that SES has to follow.
    _, report = together(
        domain,
        lambda: restore_address(tombstone),
        lambda: delete_domain(domain=domain, requested_by="jo"),
    )
    assert report.email_addresses == 1
    assert not EmailAddress.objects.exists()
    assert rules(ses) == {}


def test_an_endpoint_that_is_being_deleted_is_not_restored_to(domain, tombstone, ses, user):
    endpoint = EndpointFactory(owner=user)
    DeletedAddress.objects.update(endpoint=endpoint)
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            Endpoint.objects.select_for_update().get(pk=endpoint.pk).delete()
            restoring = threads.submit(lambda: (restore_address(tombstone), connection.close())[0])
            wait_for(a_transaction_waits_for_a_lock, within=60, what="it waited for the endpoint")
        assert restoring.result().address.endpoint_id is None


def test_an_endpoint_that_is_deleted_right_after_leaves_the_address_without_one(domain, tombstone, ses, user):
    endpoint = EndpointFactory(owner=user)
    DeletedAddress.objects.update(endpoint=endpoint)
    restore_address(tombstone)
    delete_endpoint(endpoint=endpoint)
    assert EmailAddress.objects.get().endpoint_id is None


def test_what_is_being_lifted_is_not_restored(domain, tombstone, ses):
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            assert lift(tombstone)
            restoring = threads.submit(_raised_by, partial(restore_address, tombstone))
            wait_for(a_transaction_waits_for_a_lock, within=60, what="it waited for the tombstone")
        assert restoring.result() is DeletedAddress.DoesNotExist
    assert not EmailAddress.objects.exists()


def _raised_by(work: Callable[[], Any]) -> type[Exception] | None:
    try:
        work()
    except Exception as error:
        return type(error)
    finally:
        connection.close()
    return None


@pytest.mark.parametrize("do", [restore_address, lift])
def test_a_manager_who_loses_access_meanwhile_changes_nothing(domain, tombstone, ses, do):
    manager = UserFactory()
    access = DomainAccess.objects.create(domain=domain, user=manager, role="manager")
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            lock_live_domain(domain.pk)
            doing = threads.submit(_raised_by, partial(do, tombstone, member=manager.pk))
            wait_for(a_transaction_waits_for_a_lock, within=60, what="it waited for the domain")
            access.delete()
        assert doing.result() in (DeletedAddress.DoesNotExist, Domain.DoesNotExist)
    assert DeletedAddress.objects.exists()
    assert not EmailAddress.objects.exists()
