"""Access is taken back while a manager's change waits for the domain: nothing is changed any more."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction

from addresses import blocking, services
from addresses.deletion import delete_addresses
from addresses.models import BlockedEmail, DeletedAddress, EmailAddress
from addresses.tombstones.lift import lift
from addresses.tombstones.restore import restore_address
from audit.models import Change
from domains.lifecycle.catch_all import set_catch_all
from domains.models import Domain, DomainAccess, lock_live_domain
from domains.sharing.service import change_role, leave, share, unshare
from inbound.tests.processes.support.stack import wait_for
from inbound.tests.support.database_locks import a_transaction_waits_for_a_lock, transactions_that_wait_for_a_lock
from inbound.tests.support.factories import (
    BlockedEmailFactory,
    DeletedAddressFactory,
    DomainFactory,
    EmailAddressFactory,
    EndpointFactory,
)
from rest.access.roles import Deed

pytestmark = pytest.mark.postgresql


def in_a_thread(threads: ThreadPoolExecutor, work: Callable[[], Any]) -> Any:
    def run() -> Any:
        try:
            return work()
        finally:
            connection.close()

    return threads.submit(run)


WRITES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "add": lambda rows: services.create_address(
        domain=rows["domain"], address="new@example.com", endpoint_id=None, member=rows["jo"].pk
    ),
    "change": lambda rows: services.update_address(
        address=rows["address"], changes={"is_active": False}, member=rows["jo"].pk
    ),
    "catch-all": lambda rows: set_catch_all(
        domain=rows["domain"], enabled=True, endpoint_id=rows["endpoint"].pk, member=rows["jo"].pk
    ),
    "block": lambda rows: blocking.block_address(
        domain=rows["domain"], address="x@example.com", reason="", blocked_by=rows["jo"], member=rows["jo"].pk
    ),
    "unblock": lambda rows: blocking.unblock(rows["blocked"], member=rows["jo"].pk),
    "lift": lambda rows: lift(rows["tombstone"], member=rows["jo"].pk),
    "restore": lambda rows: restore_address(rows["tombstone"], member=rows["jo"].pk),
    "delete": lambda rows: delete_addresses([rows["address"]], member=rows["jo"].pk),
}


@pytest.fixture
def rows(domain, jo, user) -> dict[str, Any]:
    endpoint = EndpointFactory(owner=user)
    address = EmailAddressFactory(domain=domain, address="a@example.com")
    blocked = BlockedEmailFactory(domain=domain)
    tombstone = DeletedAddressFactory(domain=domain)
    return {
        "domain": domain,
        "jo": jo,
        "endpoint": endpoint,
        "address": address,
        "blocked": blocked,
        "tombstone": tombstone,
    }


def state() -> list[Any]:
    return [
        list(EmailAddress.objects.values_list("address", "is_active")),
        list(BlockedEmail.objects.values_list("email_address")),
        list(DeletedAddress.objects.values_list("address")),
        list(Domain.objects.values_list("is_catch_all_enabled")),
    ]


@pytest.mark.parametrize("revoke", ["unshare", "viewer"])
@pytest.mark.parametrize("write", WRITES)
def test_a_change_that_waited_for_the_revocation_does_nothing(rows, write, revoke):
    before = state()
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            lock_live_domain(rows["domain"].pk)
            writing = in_a_thread(threads, lambda: WRITES[write](rows))
            wait_for(a_transaction_waits_for_a_lock, within=60, what="the change waited for the domain")
            # As the service does it under the same lock.
            access = DomainAccess.objects.filter(user=rows["jo"])
            access.delete() if revoke == "unshare" else access.update(role="viewer")
        if write == "delete":
            assert writing.result() == {}
        else:
            with pytest.raises((Domain.DoesNotExist, DeletedAddress.DoesNotExist)):
                writing.result()
    assert state() == before


@pytest.mark.parametrize("revoke", ["unshare", "viewer"])
def test_a_revocation_waits_for_a_change_that_has_begun(rows, revoke):
    access = DomainAccess.objects.get(user=rows["jo"])
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            lock_live_domain(rows["domain"].pk, rows["jo"].pk, Deed.CHANGE_ADDRESSES)
            work = (lambda: unshare([access])) if revoke == "unshare" else (lambda: change_role(access, "viewer"))
            revoking = in_a_thread(threads, work)
            wait_for(a_transaction_waits_for_a_lock, within=60, what="the revocation waited for the domain")
            assert DomainAccess.objects.get(user=rows["jo"]).role == "manager"
        revoking.result()
    assert [row.role for row in DomainAccess.objects.all()] == ([] if revoke == "unshare" else ["viewer"])


def test_a_member_leaves_while_the_owner_takes_their_access_back(rows):
    """One of the two has done it, and both end well."""
    access = DomainAccess.objects.get(user=rows["jo"])
    with ThreadPoolExecutor(2) as threads:
        with transaction.atomic():
            lock_live_domain(rows["domain"].pk)
            both = [in_a_thread(threads, work) for work in (lambda: leave(access), lambda: unshare([access]))]
            wait_for(lambda: transactions_that_wait_for_a_lock() == 2, within=60, what="both waited for the domain")
        for each in both:
            each.result()
    said = Change.objects.filter(object_type="domains.domainaccess").exclude(action="added")
    assert [change.action in ("given up", "deleted") for change in said] == [True]
    assert Domain.objects.get(pk=rows["domain"].pk).share_count == 0


def test_managers_and_owners_who_change_everything_at_once_end_without_an_error(rows, user, jo):
    """No two of them lock domain and access in different orders."""
    other = DomainFactory(owner=jo, name="other.example.com")

    def work(number: int) -> None:
        try:
            for turn in range(8):
                kind = (number + turn) % 4
                if kind == 0:
                    share(domain=rows["domain"], user=jo, role="viewer" if turn % 2 else "manager")
                elif kind == 1:
                    unshare(list(DomainAccess.objects.filter(user=jo)))
                elif kind == 2:
                    some = list(EmailAddress.objects.order_by("?"))[:3]
                    delete_addresses(some, member=jo.pk)
                else:
                    try:
                        name = f"n{number}-{turn}@example.com"
                        services.create_address(domain=rows["domain"], address=name, endpoint_id=None, member=jo.pk)
                        services.create_address(domain=other, address=name.replace("@", "@other."), endpoint_id=None)
                    except (Domain.DoesNotExist, EmailAddress.DoesNotExist):
                        # No manager any more, or another thread has deleted what was added.
                        pass
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(work, number) for number in range(4)]:
            done.result()
    for domain in Domain.objects.all():
        assert (domain.share_count, domain.address_count) == (domain.accesses.count(), domain.email_addresses.count())
