"""Every change of a domain's addresses locks the domain first, then the addresses, then the sync state."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction

from addresses.deletion import delete_addresses
from addresses.models import EmailAddress
from domains.models import Domain, lock_live_domain
from inbound.tests.processes.support.stack import wait_for
from inbound.tests.support.database_locks import a_transaction_waits_for_a_lock
from inbound.tests.support.factories import BlockedEmailFactory, EmailAddressFactory
from ses_integration.api import mark_dirty
from ses_integration.models import DomainSync

pytestmark = pytest.mark.postgresql


def in_a_thread(threads: ThreadPoolExecutor, work: Callable[[], Any]) -> Any:
    def run() -> Any:
        try:
            return work()
        finally:
            connection.close()

    return threads.submit(run)


def test_a_deletion_that_waits_for_the_domain_holds_nothing_that_a_change_locks_next(domain):
    """Else PostgreSQL would end one of the two with an error."""
    first, second = (EmailAddressFactory(domain=domain) for _ in range(2))
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            lock_live_domain(domain.pk)
            deleting = in_a_thread(threads, lambda: delete_addresses([first, second]))
            wait_for(a_transaction_waits_for_a_lock, within=60, what="the deletion waited for the domain")
            EmailAddress.objects.select_for_update(of=("self",), nowait=True).get(pk=first.pk)
            DomainSync.objects.select_for_update(nowait=True).get(domain=domain.name)
            EmailAddressFactory(domain=domain)
        assert set(deleting.result()) == {first.pk, second.pk}
    domain.refresh_from_db()
    assert domain.address_count == domain.email_addresses.count() == 1


def test_a_change_without_a_service_locks_the_domain_before_its_sync_state(domain):
    """A cascade or the shell: the trigger locks the domain, and the receiver marks it afterwards."""
    address = EmailAddressFactory(domain=domain)
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            lock_live_domain(domain.pk)
            deleting = in_a_thread(threads, address.delete)
            wait_for(a_transaction_waits_for_a_lock, within=60, what="the trigger waited for the domain")
            mark_dirty(domain.name)
        deleting.result()
    domain.refresh_from_db()
    assert domain.address_count == 0


def test_a_statement_on_several_domains_locks_them_in_the_order_of_their_ids(user):
    """The triggers of two such statements cannot deadlock, whatever order the rows are in."""
    low, high = (Domain.objects.create(pk=pk, name=f"{pk}.example.com", owner=user) for pk in ("low", "z-high"))
    # The rows of the higher id come first in the table.
    for domain in (high, low):
        BlockedEmailFactory(domain=domain)
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            lock_live_domain(low.pk)
            deleting = in_a_thread(threads, _delete_all_blocks)
            wait_for(a_transaction_waits_for_a_lock, within=60, what="the trigger waited for the domain")
            Domain.objects.select_for_update(nowait=True).get(pk=high.pk)
        deleting.result()
    assert set(Domain.objects.values_list("blocked_email_count", flat=True)) == {0}


def _delete_all_blocks() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM addresses_blockedemail")
