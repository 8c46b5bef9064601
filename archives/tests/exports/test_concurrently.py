"""Several requests and several mail workers at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from archives.claims import claim_next
from archives.exports.service import AlreadyRunning, start_export
from archives.exports.task import run_exports
from archives.models import Export, ExportPart
from archives.tests.exports.test_job import fetched, mails, small_parts
from audit.models import Change
from domains.deletion.service import delete_domain, resume_deletions
from domains.models import DomainDeletion, lock_live_domain
from domains.sharing.service import share, unshare
from inbound.tests.processes.support.stack import wait_for
from inbound.tests.support.aws import stored_keys
from inbound.tests.support.database_locks import a_transaction_waits_for_a_lock
from inbound.tests.support.factories import UserFactory
from rest.access.roles import Deed

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

__all__ = ["small_parts"]


def in_thread(work):
    try:
        return work()
    finally:
        connection.close()


def together(work, number: int = 4):
    """What `work` returns in each of so many threads."""

    with ThreadPoolExecutor(number) as threads:
        return [each.result() for each in [threads.submit(in_thread, work) for _ in range(number)]]


def test_only_one_of_several_requests_starts_an_export(domain):
    def start() -> str:
        try:
            return start_export(domain=domain, account=domain.owner).pk
        except AlreadyRunning as running:
            return f"running {running.export.pk}"

    answers = together(start)
    export = Export.objects.get()
    assert sorted(answers) == [export.pk, *[f"running {export.pk}"] * 3]


@pytest.mark.parametrize("role", ["viewer", "manager"])
def test_whoever_loses_access_meanwhile_gets_no_export(domain, client_for, role):
    """The request has found the domain, and waits for it when the access is taken back."""
    access = share(domain=domain, user=UserFactory(), role=role)
    client = client_for(access.user)
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            lock_live_domain(domain.pk)
            starting = threads.submit(in_thread, lambda: client.post(f"/api/v2/domains/{domain.pk}/exports", {}))
            wait_for(a_transaction_waits_for_a_lock, within=60, what="the export waited for the domain")
            # As the service does it under the same lock.
            access.delete()
        answer = starting.result()
    assert (answer.status_code, answer.json()) == (404, {"error": "Domain not found"})
    assert not Export.objects.exists()
    assert not Change.objects.filter(action="exported").exists()


def test_an_export_that_has_begun_is_there_before_access_ends(domain):
    """Taking access back waits for the export, which then nobody can download."""
    access = share(domain=domain, user=UserFactory(), role="viewer")
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            lock_live_domain(domain.pk, access.user_id, Deed.EXPORT)
            ending = threads.submit(in_thread, lambda: unshare([access]))
            wait_for(a_transaction_waits_for_a_lock, within=60, what="the end of the access waited for the domain")
            assert domain.accesses.exists()
        ending.result()
    assert not domain.accesses.exists()


def test_only_one_process_has_a_claim(domain):
    start_export(domain=domain, account=domain.owner)
    claims = together(lambda: claim_next(Export.objects.all()))
    assert [claim.attempts for claim in claims if claim is not None] == [1]


def test_several_workers_take_turns_at_the_same_export(domain, small_parts):
    raws = mails(domain, 12)
    start_export(domain=domain, account=domain.owner)

    def take_turns() -> int:
        # One part each time, and then any of them may take the next one.
        return sum(run_exports(seconds=0) for _ in range(200) if Export.objects.filter(state="running").exists())

    run_exports(seconds=0)
    assert sum(together(take_turns)) == 1
    export = Export.objects.get()
    assert (export.state, export.problem) == ("ready", "")
    assert list(fetched(export).contents.values()) == raws
    assert not ExportPart.objects.exists()


def test_a_deletion_during_an_export_leaves_nothing(domain, small_parts):
    mails(domain, 12)
    start_export(domain=domain, account=domain.owner)
    run_exports(seconds=0)
    tasks = iter([lambda: run_exports(), lambda: delete_domain(domain=domain, requested_by="jo")])
    together(lambda: next(tasks)(), 2)
    # An export that has seen the deletion before it was ended waits for a minute.
    Export.objects.update(retry_at=Now())
    for _ in range(3):
        run_exports()
        resume_deletions()
    assert DomainDeletion.objects.get().finished_at is not None
    assert stored_keys() == []
    assert not Export.objects.exists()
