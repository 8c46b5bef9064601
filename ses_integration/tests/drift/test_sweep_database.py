"""The sweep of the database, and the claim of a sweep of SES."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from ses_integration.drift.sweep import Swept, claim_sweep, sweep_database, sweep_ses
from ses_integration.models import DomainSync, RuleSetState
from ses_integration.reconcile import snapshot
from ses_integration.reconcile.loop import reconcile, reconcile_due
from ses_integration.tests.support.fake_domains import DOMAIN, change_behind_our_back, receive, remove
from ses_integration.tests.support.ses_state import calls, identities, rules

RULE = "inbound-example.com-rule"
pytestmark = pytest.mark.usefixtures("rows")
NOTHING = Swept([], [])


def test_without_differences_no_domain_is_marked_dirty(ses_with_a):
    assert (sweep_database(), sweep_ses()) == ([], NOTHING)
    assert calls(ses_with_a) == []


def test_a_sweep_of_the_database_does_not_call_aws(ses_with_a):
    sweep_database()
    assert ses_with_a.journal() == []


def test_a_domain_whose_rows_changed_behind_our_back_is_marked_dirty(ses_with_a):
    change_behind_our_back("a", "b")
    assert sweep_database() == [DOMAIN]
    reconcile_due()
    assert rules() == {RULE: {"a@example.com", "b@example.com"}}


def test_a_domain_whose_rows_vanished_behind_our_back_is_marked_dirty(ses_with_a, rows):
    rows.clear()
    assert sweep_database() == [DOMAIN]
    reconcile_due()
    assert (rules(), identities()) == ({}, set())


def test_a_domain_without_sync_state_is_marked_dirty(ses_with_a, rows):
    change_behind_our_back("x", domain="new.org")
    assert sweep_database() == ["new.org"]
    reconcile_due()
    assert rules()["inbound-new.org-rule"] == {"x@new.org"}


def test_a_pending_domain_is_not_marked_again(ses_with_a):
    receive("a", "b")
    assert sweep_database() == []


def test_only_the_ledger_that_is_in_use_counts_as_compared_with_all_rows(ses_with_a, settings):
    """Changes that are made while another ledger is in use have no mark in this one."""
    sweep_database()
    first = RuleSetState.objects.get()
    assert first.rows_compared
    settings.AWS_REGION = "eu-central-1"
    sweep_database()
    assert list(RuleSetState.objects.filter(rows_compared=True).values_list("region", flat=True)) == ["eu-central-1"]
    settings.AWS_REGION = first.region
    assert not RuleSetState.objects.get(pk=first.pk).rows_compared
    sweep_database()
    assert list(RuleSetState.objects.filter(rows_compared=True)) == [first]


def test_without_a_region_no_ledger_counts_as_compared(ses_with_a, settings):
    settings.AWS_REGION = ""
    sweep_database()
    assert not RuleSetState.objects.filter(rows_compared=True).exists()


def test_a_domain_that_is_marked_while_rows_are_read_is_not_marked_again(ses_with_a, monkeypatch):
    change_behind_our_back("a", "b")
    entries = snapshot.recorded_of
    changed = []

    def read_while_somebody_changes_rows(*args):
        found = entries(*args)
        if not changed:
            changed.append(receive("a", "b"))
        return found

    monkeypatch.setattr(snapshot, "recorded_of", read_while_somebody_changes_rows)
    assert sweep_database() == []
    assert DomainSync.objects.get().generation == 2


def test_a_domain_that_was_removed_completely_is_no_drift(ses_with_a):
    remove()
    reconcile(DOMAIN)
    assert (sweep_database(), sweep_ses()) == ([], NOTHING)


def test_the_first_claim_of_a_sweep_wins(transactional_db):
    assert claim_sweep(60.0) is None
    assert 0 < claim_sweep(60.0) <= 60
    assert 60 < claim_sweep(3600.0) <= 3600
    RuleSetState.objects.update(swept_at=timezone.now() - timedelta(seconds=61))
    assert 60 < claim_sweep(3600.0) <= 3539
    assert claim_sweep(60.0) is None
    assert claim_sweep(0.0) is None


def test_each_region_has_its_own_claim(transactional_db, settings):
    claim_sweep(60.0)
    settings.AWS_REGION = "eu-central-1"
    assert claim_sweep(60.0) is None
    settings.AWS_REGION = ""
    assert (claim_sweep(60.0), claim_sweep(60.0), RuleSetState.objects.count()) == (None, None, 2)


@pytest.mark.postgresql
def test_one_of_many_simultaneous_claims_wins(transactional_db):
    ready = threading.Barrier(8)

    def claim(_: int) -> float | None:
        try:
            ready.wait()
            return claim_sweep(60.0)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as workers:
        assert [*workers.map(claim, range(8))].count(None) == 1
