"""POST /deletions/{id}/restore"""

from __future__ import annotations

import pytest

from domains.deletion.service import advance
from domains.models import Domain, DomainDeletion, Step
from domains.tests.grace.conftest import URL
from domains.tests.grace_rows import everything
from inbound.models import Scope
from inbound.tests.support.aws import calls, fail_calls, identities, recover_and_run_worker, rules, store_mail
from inbound.tests.support.factories import UserFactory
from inbound.worker import Worker
from mail.models import MailSweep
from ses_integration.coordination import quotas
from ses_integration.models import DomainSync

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("alive")]


@pytest.fixture
def restore(api):
    """Restores a deletion with this client; returns the response."""

    def restore(deletion, client=api):
        return client.post(f"/api/v2/deletions/{deletion.pk}/restore")

    return restore


def test_everything_is_as_before(api, full, ses, restore):
    before = everything(ses, full)
    assert api.delete(f"{URL}/{full.pk}").status_code == 200
    deletion = DomainDeletion.objects.get()
    ses.clear_journal()
    answer = restore(deletion)
    assert answer.status_code == 200, answer.json()
    body = answer.json()
    assert body.pop("restoredAt")
    assert body == {"success": True, "deletionId": deletion.pk, "domainId": full.pk, "domain": "example.com"}
    assert everything(ses, full) == before
    assert calls(ses) == ["CreateReceiptRule"]
    assert api.get(f"{URL}/{full.pk}").json()["status"] == "verified"


def test_the_report_stays_and_says_that_it_was_restored(api, deletion, restore, user):
    restore(deletion)
    shown = api.get(f"/api/v2/deletions/{deletion.pk}").json()
    assert shown["restoredAt"] == shown["finishedAt"]
    assert shown["restoredBy"].startswith(user.username)
    assert {step["outcome"] for step in shown["steps"]} == {"restored"}
    assert (shown["owed"], shown["confirmation"]) == ([], None)
    assert shown["dns"]["note"] == "The domain was restored, so it needs its DNS records."
    for _ in range(2):
        Worker().tick()
    record = DomainDeletion.objects.get()
    assert (record.proved_at, record.announced_at, record.look_again_at) == (None, None, None)
    assert Domain.objects.live().exists()


def test_it_works_until_the_last_moment_and_not_a_second_after(deletion, full, ses, restore, ends):
    ends(-1)
    answer = restore(deletion)
    assert answer.status_code == 409
    assert answer.json()["code"] == "NOT_RESTORABLE"
    assert answer.json()["error"].startswith("The grace period of example.com ended at ")
    assert not Domain.objects.live().exists()
    assert calls(ses) == []
    ends(60)
    assert restore(deletion).status_code == 200
    assert rules(ses) == {"inbound-example.com-rule": {"a@example.com"}}


def test_after_the_end_the_answer_says_why(deletion, restore, ends):
    ends(-1)
    Worker().tick()
    answer = restore(deletion)
    assert answer.status_code == 409
    assert answer.json()["error"].startswith("The grace period of example.com ended at ")
    assert not Domain.objects.exists()


def test_a_second_restore_says_that_it_was_restored(deletion, restore, ses):
    restore(deletion)
    ses.clear_journal()
    answer = restore(deletion)
    assert (answer.status_code, answer.json()["code"]) == (409, "NOT_RESTORABLE")
    assert answer.json()["error"].startswith("example.com was restored already, at ")
    assert calls(ses) == []


def test_a_permanent_deletion_says_that_it_had_no_period(api, full, restore):
    api.delete(f"{URL}/{full.pk}?permanent=true")
    answer = restore(DomainDeletion.objects.get())
    assert answer.status_code == 409
    assert "had no grace period" in answer.json()["error"]


def test_a_stranger_s_deletion_is_not_found(deletion, client_for, restore):
    answer = restore(deletion, client_for(UserFactory()))
    assert (answer.status_code, answer.json()) == (404, {"error": "Deletion not found"})
    assert not Domain.objects.live().exists()


def test_restoring_needs_the_write_scope(deletion, client_for, user, restore):
    assert restore(deletion, client_for(user, Scope.READ)).status_code == 403


def test_with_ses_down_the_rows_are_back_and_ses_follows(deletion, full, ses, restore, impatient):
    fail_calls(ses)
    body = restore(deletion).json()
    assert body["warning"].startswith("The domain is restored, but it may not receive everything yet. ")
    assert full.email_addresses.count() == 2
    recover_and_run_worker(ses)
    assert rules(ses) == {"inbound-example.com-rule": {"a@example.com"}}
    assert identities(ses) == {"example.com"}


def test_without_room_in_ses_nothing_is_restored(deletion, restore, monkeypatch):
    monkeypatch.setattr(quotas, "RULES_PER_SET", 0)
    answer = restore(deletion)
    assert answer.status_code not in (200, 500)
    assert "SES has no room for another receipt rule" in str(answer.json())
    record = DomainDeletion.objects.get()
    assert (record.restored_at, record.finished_at) == (None, None)
    assert not Domain.objects.live().exists()


def test_mail_that_was_stored_meanwhile_is_looked_for(deletion, full, restore):
    sweep = MailSweep.objects.create(domain=full, due_at="2099-01-01T00:00:00Z", deliver_since="2026-01-01T00:00:00Z")
    store_mail(f"{full.key_prefix}mail-2")
    restore(deletion)
    sweep.refresh_from_db()
    assert sweep.due_at.year < 2099


def test_a_domain_that_was_restored_can_be_deleted_again(api, deletion, full, ses, restore):
    restore(deletion)
    body = api.delete(f"{URL}/{full.pk}?permanent=true").json()
    assert body["deletionId"] != deletion.pk
    assert body["deletedResources"]["emailAddresses"] == 2
    first, second = DomainDeletion.objects.order_by("started_at")
    assert (first.rows, second.rows, second.email_addresses) == (Step.RESTORED, Step.DONE, 2)
    assert second.finished_at
    assert not Domain.objects.exists()


def test_a_process_that_slept_through_the_restore_deletes_no_row_of_the_next_deletion(
    api, deletion, full, ses, restore
):
    sleeper = DomainDeletion.objects.get(pk=deletion.pk)
    restore(deletion)
    api.delete(f"{URL}/{full.pk}")
    second = DomainDeletion.objects.get(restored_at=None)
    Domain.objects.update(restorable_until=None)
    DomainDeletion.objects.filter(pk=second.pk).update(restorable_until=None)
    # It still takes its own deletion for pending.
    advance(sleeper)
    assert full.email_addresses.count() == 2
    sleeper.refresh_from_db()
    assert (sleeper.rows, sleeper.email_addresses) == (Step.RESTORED, 0)
    DomainSync.objects.update(retry_at=None)
    second.refresh_from_db()
    assert advance(second).email_addresses == 2


def test_deliveries_and_mail_of_a_deleted_domain_are_there_again(api, deletion, restore):
    restore(deletion)
    assert len(api.get("/api/v2/mail").json()["emails"]) == 1
