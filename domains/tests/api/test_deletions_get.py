"""GET /deletions/{id}"""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from domains.deletion.proof import prove_deletions
from domains.dns.records import stored_record
from domains.lifecycle.register import add_domain
from domains.models import DomainDeletion
from inbound.tests.support.aws import calls, fail_calls, recover_and_run_worker, store_mail
from inbound.tests.support.factories import (
    BlockedEmailFactory,
    DnsRecordFactory,
    DomainFactory,
    EmailAddressFactory,
    UserFactory,
)
from ses_integration.reconcile.loop import reconcile_due

URL = "/api/v2/deletions"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture
def full(domain, ses):
    """`example.com` with an address, a blocked email, a DNS record and stored mail."""
    EmailAddressFactory(domain=domain, address="a@example.com")
    BlockedEmailFactory(domain=domain)
    DnsRecordFactory(domain=domain, name="_amazonses.example.com", value="token")
    store_mail(f"{domain.key_prefix}mail")
    ses.clear_journal()
    return domain


def delete(api, domain):
    return api.delete(f"/api/v2/domains/{domain.pk}").json()["deletionId"]


def without_moments(shown):
    """The report with every time replaced by a word. The format of the times is checked."""
    if isinstance(shown, dict):
        return {key: without_moments(value) for key, value in shown.items()}
    if isinstance(shown, list):
        return [without_moments(value) for value in shown]
    return "moment" if isinstance(shown, str) and MOMENT.fullmatch(shown) else shown


def step(name, outcome, counts, **more):
    shown = {"at": "moment", "attempts": 1, "problem": None, "nextAttemptAt": None}
    return {"step": name, "outcome": outcome, "counts": counts} | shown | more


def test_the_report_of_a_finished_deletion_has_its_verification(api, full, user):
    pk = delete(api, full)
    assert api.get(f"{URL}/{pk}").json()["confirmation"] is None
    prove_deletions()
    answer = api.get(f"{URL}/{pk}")
    assert answer.status_code == 200
    assert without_moments(answer.json()) == {
        "id": pk,
        "domainId": full.pk,
        "domain": "example.com",
        "requestedBy": f"{user.username} (key {user.api_keys.get().start})",
        "requestedAt": "moment",
        "finishedAt": "moment",
        "planToken": None,
        "steps": [
            step("receiptRules", "done", {"rules": 1}),
            step("identity", "done", {}),
            step("records", "done", {"blockedEmails": 1, "emailAddresses": 1, "dnsRecords": 1, "domains": 1}),
            step("receivedEmails", "done", {"emails": 0, "attachments": 0, "bytes": 0}),
            step(
                "storedMail",
                "done",
                {"versions": 1, "deleteMarkers": 0, "bytes": 4, "cameLate": 0, "keptByStorage": 0},
            ),
        ],
        "owed": [],
        "nextAttemptAt": None,
        "confirmation": {
            "confirmedAt": "moment",
            "lookedAt": "moment",
            "receiptRules": True,
            "identity": True,
            "receivedEmails": True,
            "storedMail": True,
            "found": [],
            "foreignRules": [],
            "problem": None,
            "lookAgainAt": "moment",
        },
        "dns": {
            "note": None,
            "records": [
                {
                    "type": "TXT",
                    "name": "_amazonses.example.com",
                    "value": "token",
                    "purpose": "SES verification",
                    "state": "gone",
                    "found": [],
                    "why": None,
                    "hint": None,
                }
            ],
        },
    }


def test_steps_finish_in_the_documented_order(api, full):
    steps = api.get(f"{URL}/{delete(api, full)}").json()["steps"]
    moments = [step["at"] for step in steps]
    assert moments == sorted(moments)


def test_a_pending_step_has_its_problem_and_next_attempt(api, full, ses, impatient):
    fail_calls(ses, fault="access_denied")
    pk = delete(api, full)
    reconcile_due()
    report = api.get(f"{URL}/{pk}").json()
    rules, _, records, _, mail = report["steps"]
    assert [step["outcome"] for step in report["steps"]] == ["owed", "owed", "done", "done", "owed"]
    assert report["owed"] == ["receiptRules", "identity", "storedMail"]
    assert (report["finishedAt"], report["confirmation"]) == (None, None)
    assert (rules["at"], mail["at"]) == (None, None)
    assert rules["problem"] == "AWS does not allow ses:DeleteReceiptRule; the credentials lack a permission."
    assert report["nextAttemptAt"] == rules["nextAttemptAt"]
    assert MOMENT.fullmatch(rules["nextAttemptAt"])
    assert (records["counts"]["emailAddresses"], rules["counts"]["rules"]) == (1, 1)
    recover_and_run_worker(ses)
    assert api.get(f"{URL}/{pk}").json()["owed"] == []


def test_a_refusal_by_s3_is_reported_with_the_next_attempt(api, full, ses):
    ses.add_faults({"service": "s3", "fault": "access_denied"})
    pk = delete(api, full)
    report = api.get(f"{URL}/{pk}").json()
    (mail,) = [step for step in report["steps"] if step["step"] == "storedMail"]
    assert (
        mail["problem"]
        == "AWS does not allow s3:ListBucketVersions on inbound-mail; the credentials lack a permission."
    )
    assert report["nextAttemptAt"] == mail["nextAttemptAt"]
    assert MOMENT.fullmatch(mail["nextAttemptAt"])
    recover_and_run_worker(ses)
    (mail,) = [step for step in api.get(f"{URL}/{pk}").json()["steps"] if step["step"] == "storedMail"]
    assert (mail["outcome"], mail["attempts"], mail["problem"]) == ("done", 2, None)


def test_kept_mail_is_reported_with_its_location(api, full, settings):
    settings.KEEP_MAIL_ON_DOMAIN_DELETE = True
    mail = api.get(f"{URL}/{delete(api, full)}").json()["steps"][-1]
    assert (mail["outcome"], mail["location"]) == ("kept", f"s3://inbound-mail/{full.key_prefix}")


def test_a_deletion_outside_the_api_reports_its_counts(api, full):
    full.delete()
    record = DomainDeletion.objects.get()
    report = api.get(f"{URL}/{record.pk}").json()
    assert report["requestedBy"] is None
    assert report["steps"][2]["counts"] == {"blockedEmails": 1, "emailAddresses": 1, "dnsRecords": 1, "domains": 1}
    assert [record["name"] for record in report["dns"]["records"]] == ["_amazonses.example.com"]


def test_dns_is_looked_up_when_the_report_is_read(api, full, dns, settings):
    settings.DNS_TIMEOUT_SECONDS = 30.0
    pk = delete(api, full)
    dns.publish_records([stored_record("example.com", "TXT", "_amazonses.example.com", "token")])
    assert in_dns(api, pk) == ("published", ["token"], None)
    dns.withdraw("_amazonses.example.com")
    assert in_dns(api, pk) == ("gone", [], None)


def in_dns(api, pk):
    (record,) = api.get(f"{URL}/{pk}").json()["dns"]["records"]
    return record["state"], record["found"], record["why"]


def test_dns_records_are_not_listed_if_the_owner_added_the_domain_again(api, full, user):
    pk = delete(api, full)
    DomainFactory(owner=user, name="example.com")
    assert api.get(f"{URL}/{pk}").json()["dns"] == {
        "note": "The domain was added again, so it needs its DNS records.",
        "records": [],
    }


def test_the_report_does_not_mention_a_later_owner_of_the_name(api, full):
    pk = delete(api, full)
    DomainFactory(name="example.com")
    assert api.get(f"{URL}/{pk}").json()["dns"]["note"] is None


@pytest.mark.parametrize("pk", ["nope", "a%00b", "%20", "a" * 5000])
def test_an_unknown_id_is_not_found(api, ses, pk):
    answer = api.get(f"{URL}/{pk}")
    assert (answer.status_code, answer.json()) == (404, {"error": "Deletion not found"})


def test_another_users_deletion_is_not_found(api, client_for, full):
    pk = delete(api, full)
    other = client_for(UserFactory())
    assert other.get(f"{URL}/{pk}").json() == {"error": "Deletion not found"}
    assert other.get(f"{URL}/{pk}").status_code == 404


def test_a_report_makes_no_call(api, full, ses):
    pk = delete(api, full)
    ses.clear_journal()
    with CaptureQueriesContext(connection) as captured:
        api.get(f"{URL}/{pk}")
    assert (calls(ses), ses.journal()) == ([], [])
    assert len(captured) < 8


def test_nobody_sees_the_deletions_of_a_deleted_account(api, user):
    DomainDeletion.objects.create(name="a.com", domain_id="indm_a", owner=None, started_at=timezone.now())
    assert api.get(URL).json()["data"] == []


def test_ses_errors_of_another_owner_of_the_name_are_not_shown(api, user, domain, ses, impatient):
    ses.add_faults({"service": "*", "action": "*", "fault": "access_denied", "times": None})
    row = api.delete(f"/api/v2/domains/{domain.pk}").json()
    denied = "AWS does not allow s3:ListBucketVersions on inbound-mail; the credentials lack a permission."
    assert denied in str(api.get(f"/api/v2/deletions/{row['deletionId']}").json())
    add_domain(owner=UserFactory(), name="example.com")
    report = api.get(f"/api/v2/deletions/{row['deletionId']}").json()
    assert [step["problem"] for step in report["steps"][:2]] == [None, None]
    assert "identity" in report["owed"]
