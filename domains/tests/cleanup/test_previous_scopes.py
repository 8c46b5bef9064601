"""What other regions and rule sets still hold, after AWS_REGION or SES_RULE_SET has changed."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from domains.tests.cleanup.leftovers import (
    BY_HAND,
    NOTHING,
    SET,
    held,
    signs,
)
from ses_integration.aws import clients
from ses_integration.models import LedgerEntry, LedgerIdentity, RuleSetState
from ses_integration.tests.commands.run import apply, run

pytestmark = pytest.mark.sqlite


@pytest.fixture
def moved(ses, live, settings) -> None:
    settings.SES_RULE_SET = "new-rules"
    clients.ses("eu-west-1").create_receipt_rule_set(RuleSetName="new-rules")
    clients.ses("eu-west-1").set_active_receipt_rule_set(RuleSetName="new-rules")
    live.save()


def test_each_previous_scope_is_listed_with_the_commands_to_run(moved):
    assert run("ses_cleanup") == (
        2,
        "Left behind when AWS_REGION or SES_RULE_SET changed:\n"
        "> eu-west-1, rule set inbound-email-rules: 1 rule and 0 identities.\n"
        "    If the change was a mistake, undo it. Otherwise remove these, and ses_cleanup --apply forgets them:\n"
        "    aws ses delete-receipt-rule --region eu-west-1 --rule-set-name inbound-email-rules "
        "--rule-name inbound-live.org-rule\n" + signs(BY_HAND),
    )


def test_resources_that_ses_still_holds_stay_in_ses_and_in_the_ledger(ses, moved):
    before = held(ses)
    assert apply("ses_cleanup")[0] == 2
    assert LedgerEntry.objects.filter(rule_set=SET, kind="rule").exists()
    assert held(ses) == before


def test_resources_that_ses_no_longer_holds_are_forgotten(ses, moved):
    clients.ses("eu-west-1").delete_receipt_rule_set(RuleSetName=SET)
    code, text = apply("ses_cleanup")
    assert code == 0
    assert "eu-west-1, rule set inbound-email-rules: 2 gone from SES and forgotten\n" in text
    assert not LedgerEntry.objects.filter(rule_set=SET).exists()
    assert LedgerEntry.objects.filter(rule_set="new-rules").count() == 2


def test_a_scope_of_another_account_is_forgotten_only_on_request(ses, moved):
    RuleSetState.objects.filter(rule_set=SET).update(account="999999999999")
    code, text = apply("ses_cleanup")
    assert code == 2
    assert "eu-west-1, rule set inbound-email-rules: it is in another AWS account" in text
    assert LedgerEntry.objects.filter(rule_set=SET).count() == 2
    ses.clear_journal()
    code, text = apply("ses_cleanup", "--forget-former")
    assert code == 0
    assert "eu-west-1, rule set inbound-email-rules: 2 forgotten\n" in text
    assert not LedgerEntry.objects.filter(rule_set=SET).exists()


def test_an_identity_of_another_region_is_shown_only_if_it_is_ours(ses, live):
    for name, ours in (("ours.org", True), ("theirs.org", False)):
        entry = LedgerEntry.objects.create(
            region="eu-central-1", rule_set=SET, domain=name, kind="identity", name=name, presence="present",
            changed_at=timezone.now(),
        )  # fmt: skip
        LedgerIdentity.objects.create(entry=entry, ours=ours)
    text = run("ses_cleanup")[1]
    assert "> eu-central-1, rule set inbound-email-rules: 0 rules and 1 identity.\n" in text
    assert "theirs.org" not in text


def test_an_identity_that_may_not_be_ours_is_listed_with_the_command_to_look_at_its_tag(ses, live):
    for name, ours in (("never-asked.org", None), ("no-answer.org", None), ("ours.org", True)):
        entry = LedgerEntry.objects.create(
            region="eu-central-1", rule_set=SET, domain=name, kind="identity", name=name, changed_at=timezone.now()
        )
        if name != "never-asked.org":
            LedgerIdentity.objects.create(entry=entry, ours=ours)
    assert run("ses_cleanup") == (
        2,
        "Left behind when AWS_REGION or SES_RULE_SET changed:\n"
        "> eu-central-1, rule set inbound-email-rules: 0 rules and 3 identities.\n"
        "    If the change was a mistake, undo it. Otherwise remove these, and ses_cleanup --apply forgets them:\n"
        "    aws sesv2 delete-email-identity --region eu-central-1 --email-identity ours.org\n"
        "    It was never known whether these identities are ours. Look at the tag `inbound` first, and delete only those "
        "where it is INSTALLATION_ID:\n"
        "    aws sesv2 get-email-identity --region eu-central-1 --query Tags --email-identity never-asked.org\n"
        "    aws sesv2 get-email-identity --region eu-central-1 --query Tags --email-identity no-answer.org\n"
        + signs(BY_HAND),
    )
    assert json.loads(run("ses_cleanup", "--json")[1])["former"] == [
        {
            "region": "eu-central-1",
            "ruleSet": SET,
            "rules": [],
            "identities": ["ours.org"],
            "unclear": ["never-asked.org", "no-answer.org"],
        }
    ]


def test_a_ledger_without_a_region_is_ignored(ses, live):
    LedgerEntry.objects.filter(kind="rule").update(region="")
    apply("ses_reconcile")
    assert LedgerEntry.objects.filter(region="").exists()
    assert run("ses_cleanup") == (0, NOTHING)


def test_an_error_of_a_previous_region_is_one_sentence(ses, moved):
    ses.add_faults({"service": "ses", "action": "DescribeReceiptRuleSet", "fault": "access_denied"})
    code, text = apply("ses_cleanup")
    assert code == 2
    assert "eu-west-1, rule set inbound-email-rules: AWS does not allow ses:DescribeReceiptRuleSet;" in text
