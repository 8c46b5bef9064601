from __future__ import annotations

import json
import re
from datetime import timedelta

import boto3
import pytest
from django.utils import timezone

from backoffice.text import moment
from desk.management.commands import ses_status
from ses_integration.conf import ses_config
from ses_integration.coordination import quotas
from ses_integration.models import DomainSync, InFlightCall, LedgerEntry
from ses_integration.reconcile.loop import reconcile
from ses_integration.status import wording
from ses_integration.tests.commands.run import run
from ses_integration.tests.support.fake_domains import DOMAIN, receive, remove
from workers.models import Worker

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("alive")]

HEAD = "eu-west-1, rule set inbound-email-rules:"


def test_exit_code_0_if_everything_is_up_to_date(ses, rows):
    receive("a")
    reconcile(DOMAIN)
    used = "Used: 1 of 200 rules, 1 of 10000 identities, 1 of 500 recipients in the fullest rule."
    heard = "mail_worker on web01, heard of 0 s ago, ses_worker on web01, heard of 0 s ago"
    assert run("ses_status") == (
        0,
        f"{HEAD} 1 rule and 1 identity confirmed.\n{used}\nWorkers: {heard}.\nMail: no mail is stored, 0 in 24 hours.\n"
        "Not compared with SES yet.\nEverything is up to date.\n",
    )


def test_foreign_resources_count_and_are_named(ses, rows):
    quotas.record_foreign(ses_config(), rules=150, identities=2)
    assert "Used: 150 of 200 rules (150 not ours), 2 of 10000 identities (2 not ours), 0 of" in run("ses_status")[1]


def test_a_pending_domain_is_listed_with_its_reason_and_exit_code_2(ses, rows):
    ses.add_faults({"service": "sesv2", "action": "CreateEmailIdentity", "fault": "access_denied"})
    receive("a")
    reconcile(DOMAIN)
    code, text = run("ses_status")
    assert code == 2
    assert "example.com  needs you: 1 change behind" in text
    assert "AWS does not allow ses:CreateEmailIdentity; the credentials lack a permission." in text
    assert text.endswith("1 thing needs you. Nothing is pending.\n")


def test_a_rule_whose_change_was_refused_counts_as_unconfirmed(ses, rows):
    receive("a")
    reconcile(DOMAIN)
    ses.add_faults({"service": "ses", "action": "*", "fault": "throttle", "times": None})
    receive("a", "b")
    reconcile(DOMAIN)
    assert run("ses_status")[1].startswith(f"{HEAD} 0 rules and 1 identity confirmed, 1 unconfirmed.\n")


def test_a_domain_with_only_an_unanswered_call_is_listed_with_its_time(ses, rows):
    receive("a")
    reconcile(DOMAIN)
    until = timezone.now() + timedelta(minutes=10)
    entry = LedgerEntry.objects.get(kind="rule")
    outcome = InFlightCall.objects.create(
        entry=entry, operation="update_rule", recipients=["b@example.com"], until=until, fence=0
    )
    state = "unconfirmed: 1 unanswered call"
    about, said, _, next_try, why = _row(run("ses_status")[1])
    assert (about, said, next_try, why) == ("example.com", state, moment(until), wording.unanswered(until))
    outcome.until = timezone.now() - timedelta(seconds=1)
    outcome.save()
    assert _row(run("ses_status")[1])[3] == "now"


def test_an_unanswered_call_hides_neither_the_changes_behind_nor_the_recorded_error(ses, rows):
    receive("a")
    reconcile(DOMAIN)
    until, retry_at = (timezone.now() + timedelta(minutes=minutes) for minutes in (10, 1))
    for entry in LedgerEntry.objects.all():
        InFlightCall.objects.create(entry=entry, operation="update_rule", until=until, fence=0)
    for local_parts in ("ab", "abc", "abcd"):
        receive(*local_parts)
    DomainSync.objects.update(retry_at=retry_at, last_error="AWS is throttling our calls.")
    assert _row(run("ses_status")[1]) == [
        "example.com",
        "unconfirmed: 3 changes behind, 2 unanswered calls",
        "0 s ago",
        moment(retry_at),
        f"{wording.unanswered(until)} AWS is throttling our calls.",
    ]


def _row(text: str) -> list[str]:
    [line] = [line for line in text.splitlines() if line.startswith("example.com ")]
    return re.split("  +", line.strip())


def test_it_does_not_call_aws(ses, rows):
    run("ses_status")
    assert ses.journal() == []


def test_all_also_lists_domains_that_are_up_to_date(ses, rows):
    receive("a")
    reconcile(DOMAIN)
    assert "example.com  up to date" in run("ses_status", "--all")[1]


@pytest.mark.parametrize("ours", [True, False])
def test_all_lists_a_deleted_domain_as_gone_once_ses_has_confirmed_it(ses, rows, ours):
    if not ours:
        boto3.client("ses", region_name="eu-west-1").verify_domain_identity(Domain=DOMAIN)
    receive("a")
    receive("a", domain="other.org")
    reconcile(DOMAIN)
    reconcile("other.org")
    remove()
    assert "example.com  pending" in run("ses_status", "--all")[1]
    reconcile(DOMAIN)
    code, text = run("ses_status", "--all")
    assert code == 0
    assert [line.split("  ", 1) for line in text.splitlines() if ".com  " in line or ".org  " in line] == [
        ["example.com", "gone"],
        ["other.org", "  up to date"],
    ]


def test_a_domain_without_addresses_and_with_a_foreign_identity_is_up_to_date(ses, rows):
    boto3.client("ses", region_name="eu-west-1").verify_domain_identity(Domain=DOMAIN)
    receive()
    reconcile(DOMAIN)
    assert "example.com  up to date" in run("ses_status", "--all")[1]


def test_a_ledger_of_another_region_is_reported(ses, rows, settings):
    """Most likely the shell has another environment than the server."""
    receive("a")
    reconcile(DOMAIN)
    for region in ("eu-central-1", ""):
        settings.AWS_REGION = region
        code, text = run("ses_status")
        assert code == 2
        assert (
            "eu-west-1, rule set inbound-email-rules  needs you: SES may still hold 1 rule and 1 identity of ours"
            in text
        )
        assert text.endswith("1 thing needs you. Nothing is pending.\n")


def test_json_has_the_state_in_camel_case(ses, rows):
    code, text = run("ses_status", "--json")
    state = json.loads(text)
    assert (code, state["isSettled"], state["needsYou"]) == (0, True, False)
    assert state["headline"] == "Nothing needs you. Nothing is pending."
    assert [worker["isAlive"] for worker in state["workers"]] == [True, True]
    assert state["quotas"][0] == {"name": "rules", "used": 0, "limit": 200, "foreign": 0, "learned": False}


def test_without_a_worker_nothing_goes_on_by_itself(ses, rows):
    Worker.objects.all().delete()
    receive("a")
    code, text = run("ses_status")
    assert code == 2
    assert text.endswith("No ses_worker has ever run. 1 thing waits for one.\n")
    assert "by themselves" not in text


def test_watch_shows_it_again_until_it_is_interrupted(ses, rows, monkeypatch):
    times = iter([None, None, KeyboardInterrupt])

    def wait(seconds):
        if (end := next(times)) is not None:
            raise end

    monkeypatch.setattr(ses_status.time, "sleep", wait)
    code, text = run("ses_status", "--watch", "--json")
    assert code == 0
    assert [json.loads(line)["isSettled"] for line in text.splitlines() if line] == [True] * 3
