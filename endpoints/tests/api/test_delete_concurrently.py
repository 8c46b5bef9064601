"""Real threads on PostgreSQL: SQLite has one writer at a time and no row locks."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connections

from addresses.models import EmailAddress
from addresses.services import create_address, update_address
from domains.lifecycle.catch_all import EndpointGone
from endpoints import services
from endpoints.models import Endpoint
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory, EndpointFactory

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("ses")]


def together(*steps: Callable[[], object]) -> list[BaseException]:
    """Run the steps concurrently and return their exceptions."""
    errors: list[BaseException] = []
    start = threading.Barrier(len(steps))

    def run(step: Callable[[], object]) -> None:
        start.wait()
        try:
            step()
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def test_one_of_two_concurrent_deletions_is_not_found(user):
    endpoint = EndpointFactory.create(owner=user)
    DomainFactory.create(owner=user, is_catch_all_enabled=True, catch_all_endpoint=endpoint)
    done = []

    def delete() -> None:
        done.append(services.delete_endpoint(endpoint=Endpoint(pk=endpoint.pk, owner=user)))

    errors = together(delete, delete)
    assert [type(error) for error in errors] == [Endpoint.DoesNotExist]
    assert len(done[0].domains) == 1


@pytest.mark.parametrize("turn", range(5))
def test_adding_an_address_concurrently_neither_deadlocks_nor_leaves_a_dangling_route(user, turn):
    endpoint = EndpointFactory.create(owner=user)
    domain = DomainFactory.create(
        owner=user, name="example.com", is_catch_all_enabled=True, catch_all_endpoint=endpoint
    )
    errors = together(
        lambda: services.delete_endpoint(endpoint=endpoint),
        *(
            lambda local=local: create_address(domain=domain, address=f"{local}@example.com", endpoint_id=endpoint.pk)
            for local in ("a", "b", "c")
        ),
    )
    # An address added after the deletion of its endpoint is refused.
    assert all(isinstance(error, EndpointGone) for error in errors), errors
    assert EmailAddress.objects.count() == 3 - len(errors)
    assert not EmailAddress.objects.exclude(endpoint=None).exists()
    assert not Endpoint.objects.exists()


@pytest.mark.parametrize("turn", range(5))
def test_changing_an_address_concurrently_does_not_deadlock(user, turn):
    endpoint = EndpointFactory.create(owner=user)
    domain = DomainFactory.create(
        owner=user, name="example.com", is_catch_all_enabled=True, catch_all_endpoint=endpoint
    )
    addresses = [EmailAddressFactory.create(domain=domain) for _ in range(3)]
    errors = together(
        lambda: services.delete_endpoint(endpoint=endpoint),
        *(
            lambda row=row: update_address(address=row, changes={"endpoint_id": endpoint.pk, "is_active": False})
            for row in addresses
        ),
    )
    assert all(isinstance(error, EndpointGone) for error in errors), errors
    assert not EmailAddress.objects.exclude(endpoint=None).exists()
    assert not Endpoint.objects.exists()
