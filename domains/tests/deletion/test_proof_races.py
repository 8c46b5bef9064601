"""Verifications that overlap with changes, repairs and other workers."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from domains.deletion.proof import prove_deletions
from domains.models import DomainDeletion
from domains.tests.deletion.absence import OBSERVE, RULE, all_calls, put_rule
from inbound.tests.support.aws import (
    calls,
    fail_calls,
    recover_and_run_worker,
)
from inbound.tests.support.factories import DomainFactory
from ses_integration.drift import absence


def test_a_deletion_is_not_verified_while_its_name_has_pending_changes(gone, ses, impatient):
    fail_calls(ses)
    DomainFactory(name="example.com").delete()
    ses.clear_faults()
    ses.clear_journal()
    assert prove_deletions() == 0
    assert calls(ses) == []
    recover_and_run_worker(ses)
    assert prove_deletions() == 2


@pytest.mark.postgresql
def test_two_workers_observe_ses_only_once(gone, ses):
    start = threading.Barrier(2)

    def verify():
        try:
            start.wait()
            prove_deletions()
        finally:
            connection.close()

    workers = [threading.Thread(target=verify) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all_calls(ses) == [*OBSERVE, "ListObjectVersions"]
    gone.refresh_from_db()
    assert gone.proved_at


@pytest.fixture
def after_the_observation(monkeypatch):
    """`after_the_observation(do)`: calls `do` as soon as the next observation of SES has its answer."""

    def then(do):
        observe = absence.observe_with_active_set

        def observe_and_do(config):
            monkeypatch.setattr(absence, "observe_with_active_set", observe)
            observation = observe(config)
            do()
            return observation

        monkeypatch.setattr(absence, "observe_with_active_set", observe_and_do)

    return then


def test_an_observation_older_than_a_repair_verifies_nothing(gone, ses, after_the_observation):
    """One worker observes SES and is paused; another one finds a rule, which is removed."""

    def another_worker():
        put_rule(RULE, "a@example.com", prefix=gone.key_prefix)
        DomainDeletion.objects.update(retry_at=None)
        prove_deletions()
        recover_and_run_worker(ses)

    after_the_observation(another_worker)
    assert prove_deletions() == 1
    gone.refresh_from_db()
    assert gone.finished_at
    assert (gone.proved_at, gone.proof["found"]) == (None, [RULE])
    assert prove_deletions() == 1
    gone.refresh_from_db()
    assert gone.proved_at


def test_an_observation_older_than_a_pending_change_verifies_nothing(gone, ses, impatient, after_the_observation):
    """The name is added again after SES was observed, and the change is still pending."""

    def added_again():
        fail_calls(ses)
        DomainFactory(name="example.com")

    after_the_observation(added_again)
    assert prove_deletions() == 1
    gone.refresh_from_db()
    assert (gone.proof, gone.proved_at) == ({}, None)
    recover_and_run_worker(ses)
    assert prove_deletions() == 1
    gone.refresh_from_db()
    assert gone.proved_at
