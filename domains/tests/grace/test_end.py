"""Ending and extending a grace period, and what the worker does about it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from audit.models import Change
from domains.deletion.service import resume_deletions
from domains.grace.end import continue_deletion, end_due, end_now, extend
from domains.grace.period import NotInGrace, TooLong
from domains.models import Domain, DomainDeletion, Step
from inbound.tests.support.aws import calls, fail_calls, identities, recover_and_run_worker, rules, stored_keys
from inbound.tests.support.factories import DomainFactory
from mail.models import MailSweep

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("alive")]


def test_ending_deletes_everything(deletion, ses):
    record = end_now(deletion)
    assert record.finished_at
    assert record.grace_ended_at
    assert calls(ses) == ["DeleteEmailIdentity"]
    assert (rules(ses), identities(ses), stored_keys()) == ({}, set(), [])
    assert not Domain.objects.exists()


def test_ending_twice_is_ending_once(deletion, ses):
    end_now(deletion)
    ses.clear_journal()
    assert end_now(DomainDeletion.objects.get()).finished_at
    assert calls(ses) == []
    assert Change.objects.filter(action="ended").count() == 1


def test_ending_what_was_restored_changes_nothing(api, deletion, full):
    api.post(f"/api/v2/deletions/{deletion.pk}/restore")
    with pytest.raises(NotInGrace, match="was restored already"):
        end_now(deletion)
    assert Domain.objects.live().filter(pk=full.pk).exists()
    assert DomainDeletion.objects.get().rows == Step.RESTORED


@pytest.mark.parametrize("permanent", [False, True])
def test_a_deletion_that_somebody_restores_meanwhile_is_not_reported_as_done(api, deletion, permanent):
    """A second DELETE has read the report, and then the restore was faster."""
    api.post(f"/api/v2/deletions/{deletion.pk}/restore")
    with pytest.raises(NotInGrace, match="was restored already"):
        continue_deletion(deletion, permanent=permanent)


def test_another_delete_ends_what_is_over_before_the_worker_does(api, deletion, full, ends):
    ends(60)
    assert "can be restored" in api.delete(f"/api/v2/domains/{full.pk}").json()["message"]
    ends(-1)
    body = api.delete(f"/api/v2/domains/{full.pk}").json()
    assert body["message"] == "Successfully deleted domain example.com and all associated resources"
    assert (body["deletedResources"]["sesIdentity"], body["deletedResources"]["emailAddresses"]) == (True, 2)
    assert not Domain.objects.exists()


def test_with_ses_down_the_rows_go_and_ses_follows(deletion, ses, impatient):
    fail_calls(ses)
    record = end_now(deletion)
    assert (record.rows, record.identity) == (Step.DONE, Step.PENDING)
    recover_and_run_worker(ses)
    assert identities(ses) == set()
    assert DomainDeletion.objects.get().finished_at


def test_the_worker_ends_only_what_is_over(deletion, ends):
    ends(60)
    assert end_due() == 0
    ends(0)
    assert end_due() == 1
    assert end_due() == 0
    domain = Domain.objects.get()
    assert (domain.restorable_until, domain.deleting_since is None) == (None, False)


def test_what_is_over_and_not_ended_is_not_worked_on(deletion, full, ends):
    """Ending comes first: until then the state of SES is that of the period."""
    ends(-1)
    resume_deletions()
    assert full.email_addresses.count() == 2


def test_extending_adds_days(api, deletion, full):
    before = deletion.restorable_until
    until = extend(deletion, days=3)
    assert until == before + timedelta(days=3)
    full.refresh_from_db()
    deletion.refresh_from_db()
    assert full.restorable_until == deletion.restorable_until == until
    assert Change.objects.filter(action="extended", object_id=deletion.pk).exists()


def test_no_sweep_of_its_mail_is_due_before_the_new_end(deletion, full):
    MailSweep.objects.create(domain=full, due_at=deletion.restorable_until, deliver_since=full.created_at)
    until = extend(deletion, days=3)
    assert MailSweep.objects.get().due_at == until


@pytest.mark.parametrize("days", [0, -1, 336, 10_000])
def test_an_extension_is_bounded_and_never_shortens(deletion, days):
    before = deletion.restorable_until
    with pytest.raises(TooLong, match="at least a day, and to at most 365 days"):
        extend(deletion, days=days)
    deletion.refresh_from_db()
    assert deletion.restorable_until == before


def test_what_is_over_is_not_extended(deletion, ends):
    ends(-1)
    with pytest.raises(NotInGrace, match="ended at"):
        extend(deletion, days=1)


def test_an_extension_while_the_worker_decides_wins(deletion, ends):
    ends(-1)
    Domain.objects.update(restorable_until="2099-01-01T00:00:00Z")
    DomainDeletion.objects.update(restorable_until="2099-01-01T00:00:00Z")
    assert end_due() == 0
    assert DomainDeletion.objects.get().in_grace


def test_a_row_that_is_deleted_by_hand_ends_its_period(deletion, full, ses):
    Domain.objects.filter(pk=full.pk).delete()
    record = DomainDeletion.objects.get()
    assert (record.rows, record.email_addresses, record.restorable_until) == (Step.DONE, 2, None)
    assert record.grace_ended_at
    recover_and_run_worker(ses)
    assert identities(ses) == set()
    assert DomainDeletion.objects.get().finished_at


def test_each_domain_has_its_own_period(api, deletion, user, ends):
    other = DomainFactory(owner=user, name="example.net")
    ends(-1)
    api.delete(f"/api/v2/domains/{other.pk}")
    assert end_due() == 1
    assert DomainDeletion.objects.in_grace().get().name == "example.net"
