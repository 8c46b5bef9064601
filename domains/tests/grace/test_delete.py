"""DELETE /domains/{id} with DOMAIN_DELETE_GRACE_DAYS."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domains.cleanup.find import is_unowned
from domains.deletion_plan.build import plan_of
from domains.deletion_plan.model import DNS, DNS_AFTER_GRACE
from domains.models import Domain, DomainDeletion, Step
from domains.tests.grace.conftest import URL
from domains.tests.plan_requests import assert_refused
from inbound.tests.support.aws import calls, fail_calls, identities, recover_and_run_worker, rules, stored_keys
from inbound.worker import Worker
from mail.models import MailSweep
from rest.deletion.confirmation import OTHER_SORT
from ses_integration.api import database_now
from ses_integration.models import DomainSync

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("alive")]


def test_receiving_stops_at_once_and_everything_else_stays(api, full, ses):
    began = database_now()
    body = api.delete(f"{URL}/{full.pk}").json()
    record = DomainDeletion.objects.get()
    assert record.restorable_until is not None
    assert began <= record.restorable_until - timedelta(days=30) <= database_now()
    assert body.pop("message").startswith("Deleted domain example.com. Until ")
    assert body.pop("restorableUntil")[:19] == f"{record.restorable_until:%Y-%m-%dT%H:%M:%S}"
    assert body == {
        "success": True,
        "deletedResources": {
            "domain": "example.com",
            "emailAddresses": 0,
            "dnsRecords": 0,
            "blockedEmails": 0,
            "sesIdentity": False,
            "sesReceiptRules": True,
        },
        "deletionId": record.pk,
    }
    assert calls(ses) == ["DeleteReceiptRule"]
    assert (rules(ses), identities(ses)) == ({}, {"example.com"})
    assert stored_keys() == [f"{full.key_prefix}mail-1"]
    full.refresh_from_db()
    assert full.restorable_until == record.restorable_until
    assert full.email_addresses.count() == 2
    assert not is_unowned(full.key_prefix)


def test_the_domain_and_what_belongs_to_it_are_not_found(api, deletion, full):
    address = full.email_addresses.first()
    for path in (f"domains/{full.pk}", f"email-addresses/{address.pk}", f"domains/{full.pk}/dns-records"):
        assert api.get(f"/api/v2/{path}").status_code == 404
    assert api.get(URL).json()["data"] == []
    assert api.get("/api/v2/mail").json()["emails"] == []


def test_the_worker_leaves_all_of_it_until_the_period_ends(deletion, full, ses, ends):
    ends(3600)
    for _ in range(2):
        Worker().tick()
    assert "DeleteEmailIdentity" not in calls(ses)
    assert identities(ses) == {"example.com"}
    record = DomainDeletion.objects.get()
    assert record.pending_steps == ["identity", "rows", "received_emails", "stored_mail"]
    assert full.email_addresses.count() == 2


def test_when_the_period_ends_everything_goes_and_the_proof_follows(deletion, full, ses, ends):
    ends(-1)
    for _ in range(2):
        Worker().tick()
    assert (rules(ses), identities(ses), stored_keys()) == ({}, set(), [])
    assert not Domain.objects.exists()
    record = DomainDeletion.objects.get()
    assert {getattr(record, step) for step in DomainDeletion.STEPS} == {Step.DONE}
    assert (record.email_addresses, record.blocked_emails, record.erased_emails) == (2, 1, 1)
    assert (record.restorable_until, record.restored_at) == (None, None)
    assert record.grace_ended_at
    assert record.proved_at


def test_a_permanent_deletion_has_no_period(api, full, ses):
    body = api.delete(f"{URL}/{full.pk}?permanent=true").json()
    assert "restorableUntil" not in body
    assert body["deletedResources"]["emailAddresses"] == 2
    assert calls(ses) == ["DeleteReceiptRule", "DeleteEmailIdentity"]
    assert not Domain.objects.exists()
    assert stored_keys() == []


def test_a_permanent_deletion_ends_a_period_that_has_begun(api, deletion, full, ses):
    body = api.delete(f"{URL}/{full.pk}?permanent=true").json()
    assert body["deletionId"] == deletion.pk
    assert body["deletedResources"]["emailAddresses"] == 2
    assert (body["deletedResources"]["sesIdentity"], body["deletedResources"]["sesReceiptRules"]) == (True, True)
    assert "restorableUntil" not in body
    assert body["report"]["restorableUntil"] is None
    assert body["report"]["gracePeriodEndedAt"]
    assert not Domain.objects.exists()
    assert stored_keys() == []
    assert api.delete(f"{URL}/{full.pk}").status_code == 404


def test_another_delete_answers_with_the_state_and_ends_nothing(api, deletion, full, ses):
    body = api.delete(f"{URL}/{full.pk}").json()
    assert body["restorableUntil"]
    assert body["report"]["owed"] == ["identity", "records", "receivedEmails", "storedMail"]
    assert calls(ses) == []
    assert full.email_addresses.count() == 2


def test_a_rule_that_ses_does_not_delete_is_told_and_deleted_later(api, full, ses, impatient):
    fail_calls(ses)
    body = api.delete(f"{URL}/{full.pk}").json()
    assert body["deletedResources"]["sesReceiptRules"] is False
    assert body["warning"].startswith("SES clean-up is not finished. ")
    recover_and_run_worker(ses)
    assert (rules(ses), identities(ses)) == ({}, {"example.com"})
    record = DomainDeletion.objects.get()
    assert (record.rules, record.identity, record.rows) == (Step.DONE, Step.PENDING, Step.PENDING)


def test_a_catch_all_rule_goes_too(api, full, user, ses):
    Domain.objects.update(is_catch_all_enabled=True, catch_all_endpoint=full.email_addresses.first().endpoint)
    DomainSync.objects.update(retry_at=None)
    api.delete(f"{URL}/{full.pk}")
    assert rules(ses) == {}


def test_the_report_says_until_when_it_can_be_restored(api, deletion):
    shown = api.get(f"/api/v2/deletions/{deletion.pk}").json()
    assert shown["restorableUntil"]
    assert "gracePeriodEndedAt" not in shown
    assert shown["dns"] == {
        "note": "The domain can still be restored, so leave its DNS records as they are.",
        "records": [],
    }
    assert [step["outcome"] for step in shown["steps"]] == ["done", "owed", "owed", "owed", "owed"]


def test_without_the_setting_no_answer_mentions_it(api, full, settings):
    settings.DOMAIN_DELETE_GRACE_DAYS = 0
    plan = api.get(f"{URL}/{full.pk}/deletion-plan").json()
    assert not {"graceDays", "restorableUntil"} & set(plan)
    body = api.delete(f"{URL}/{full.pk}").json()
    assert "restorableUntil" not in body
    shown = api.get(f"/api/v2/deletions/{body['deletionId']}").json()
    assert not {"restorableUntil", "gracePeriodEndedAt", "restoredAt", "restoredBy"} & set(shown)


def test_a_plan_says_how_long_it_can_be_restored(api, full):
    plan = api.get(f"{URL}/{full.pk}/deletion-plan").json()
    assert plan["graceDays"] == 30
    assert plan["restorableUntil"]
    assert [call["action"] for call in plan["sesCalls"]["calls"]] == ["DeleteReceiptRule"]
    assert plan["sesIdentity"]["outcome"] == "deleted"
    permanent = api.get(f"{URL}/{full.pk}/deletion-plan?permanent=true").json()
    assert "graceDays" not in permanent
    assert [call["action"] for call in permanent["sesCalls"]["calls"]] == ["DeleteReceiptRule", "DeleteEmailIdentity"]


def test_a_plan_leaves_the_dns_records_until_the_period_has_ended(full, settings):
    def titles(*, permanent: bool = False) -> set[str]:
        return {part.title for part in plan_of(full, permanent=permanent).parts()} & {DNS, DNS_AFTER_GRACE}

    assert (titles(), titles(permanent=True)) == ({DNS_AFTER_GRACE}, {DNS})
    settings.DOMAIN_DELETE_GRACE_DAYS = 0
    assert titles() == {DNS}


def test_a_token_is_good_for_the_deletion_that_its_plan_showed(api, full):
    token = api.get(f"{URL}/{full.pk}/deletion-plan").json()["token"]
    refused = api.delete(f"{URL}/{full.pk}?permanent=true&plan={token}")
    assert_refused(refused, OTHER_SORT[True])
    permanent = api.get(f"{URL}/{full.pk}/deletion-plan?permanent=true").json()["token"]
    assert_refused(api.delete(f"{URL}/{full.pk}?plan={permanent}"), OTHER_SORT[False])
    assert api.delete(f"{URL}/{full.pk}?plan={token}").json()["restorableUntil"]


def test_a_token_is_outdated_when_the_period_has_another_length(api, full, settings):
    token = api.get(f"{URL}/{full.pk}/deletion-plan").json()["token"]
    settings.DOMAIN_DELETE_GRACE_DAYS = 7
    assert_refused(api.delete(f"{URL}/{full.pk}?plan={token}"))
    assert Domain.objects.live().exists()


@pytest.mark.parametrize("value", ["1", "True", "yes", ""])
def test_a_slip_deletes_nothing(api, full, value):
    assert api.delete(f"{URL}/{full.pk}?permanent={value}").status_code == 400
    assert Domain.objects.live().exists()


def test_what_waits_for_the_end_of_the_period_says_so(api, full, ends):
    deletion = api.delete(f"{URL}/{full.pk}").json()["deletionId"]
    report = api.get(f"/api/v2/deletions/{deletion}").json()
    until = report["restorableUntil"]
    assert report["nextAttemptAt"] == until
    assert [step["nextAttemptAt"] for step in report["steps"]] == [None, until, until, until, until]
    # Due now.
    ends(-1)
    assert api.get(f"/api/v2/deletions/{deletion}").json()["nextAttemptAt"] is None


def test_no_sweep_of_its_mail_is_due_in_the_period(api, full):
    MailSweep.objects.create(domain=full, due_at=database_now(), deliver_since=database_now())
    api.delete(f"{URL}/{full.pk}")
    assert MailSweep.objects.get().due_at == DomainDeletion.objects.get().restorable_until


def test_with_ses_down_the_next_try_of_the_rules_comes_first(api, full, ses, impatient):
    fail_calls(ses)
    deletion = api.delete(f"{URL}/{full.pk}").json()["deletionId"]
    # A slow request has not tried yet.
    DomainSync.objects.update(retry_at=database_now() + timedelta(minutes=1))
    report = api.get(f"/api/v2/deletions/{deletion}").json()
    assert report["nextAttemptAt"] == report["steps"][0]["nextAttemptAt"] < report["restorableUntil"]
    assert report["steps"][1]["problem"] is None
