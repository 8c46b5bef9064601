from __future__ import annotations

import json

import pytest
from django.core.management import CommandError

from ses_integration.coordination import lease
from ses_integration.models import DomainSync
from ses_integration.reconcile.loop import reconcile
from ses_integration.tests.commands.run import run
from ses_integration.tests.support.fake_domains import DOMAIN, receive
from ses_integration.tests.support.protocol_steps import Writer
from ses_integration.tests.support.ses_state import rules


@pytest.fixture
def pending(ses, rows):
    """Two domains that SES refused."""
    ses.add_faults({"service": "sesv2", "action": "CreateEmailIdentity", "fault": "access_denied", "times": 2})
    for domain in (DOMAIN, "other.org"):
        receive("a", domain=domain)
        reconcile(domain)
    return ses


def test_without_pending_changes_it_says_so(ses):
    assert run("ses_sync") == (0, "Nothing is pending.\n")


def test_every_pending_domain_is_tried_now(pending):
    assert run("ses_sync") == (0, "example.com: up to date\nother.org: up to date\n")
    assert set(rules()) == {"inbound-example.com-rule", "inbound-other.org-rule"}


def test_only_the_named_domain_is_tried(pending):
    assert run("ses_sync", "Example.com") == (0, "example.com: up to date\n")


def test_exit_code_2_with_the_reason_if_something_is_still_pending(pending):
    pending.add_faults({"service": "sesv2", "action": "CreateEmailIdentity", "fault": "access_denied", "times": 0})
    code, text = run("ses_sync", DOMAIN)
    assert (code, text) == (
        2,
        "example.com: still pending. AWS does not allow ses:CreateEmailIdentity; the credentials lack a permission.\n"
        "1 still pending. ses_status says why, and when it is tried again.\n",
    )


def test_an_unknown_domain_fails_before_any_is_tried(pending):
    pending.clear_journal()
    with pytest.raises(CommandError, match=r"No such domain, now or in the past: typo\.org"):
        run("ses_sync", DOMAIN, "typo.org")
    assert pending.journal() == []


def test_an_unanswered_call_is_reported_and_waited_for(ses, rows):
    receive("a")
    writer = Writer()
    writer.call_without_answer()
    lease.release(writer.held)
    code, text = run("ses_sync")
    assert code == 2
    assert "An earlier call to AWS got no answer; it is sent again after " in text


def test_a_manual_retry_does_not_lengthen_the_back_off(pending):
    pending.add_faults({"service": "sesv2", "action": "CreateEmailIdentity", "fault": "access_denied", "times": None})
    for _ in range(3):
        run("ses_sync", DOMAIN)
    assert DomainSync.objects.get(domain=DOMAIN).attempts == 1


def test_progress_goes_to_stderr(pending, capsys):
    assert run("ses_sync")[0] == 0
    assert capsys.readouterr().err.startswith("Trying 2 domains, each for up to 30 seconds.\n")


def test_json_has_the_outcome_by_domain(pending):
    pending.add_faults({"service": "sesv2", "action": "CreateEmailIdentity", "fault": "access_denied", "times": None})
    code, text = run("ses_sync", "--json", DOMAIN)
    why = "still owed. AWS does not allow ses:CreateEmailIdentity; the credentials lack a permission."
    assert (code, json.loads(text)) == (2, {"domains": {DOMAIN: why}, "pending": 1})
    assert json.loads(run("ses_sync", "--json", "other.org")[1])["pending"] == 1
