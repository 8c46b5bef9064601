"""The sweep of SES."""

from __future__ import annotations

from datetime import timedelta

import boto3
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ses_integration.aws.gateway import Gateway
from ses_integration.conf import ses_config
from ses_integration.coordination.deadline import shared_deadline
from ses_integration.drift.sweep import Swept, any_up_to_date, sweep_database, sweep_ses
from ses_integration.errors import SesError
from ses_integration.models import DomainSync, LedgerEntry, LedgerRecipient, RuleSetState
from ses_integration.reconcile.loop import reconcile, reconcile_due
from ses_integration.setup.prepare import prepare
from ses_integration.tests.support.fake_domains import DOMAIN, receive, remove
from ses_integration.tests.support.protocol_steps import Writer
from ses_integration.tests.support.ses_state import identities, rules

RULE = "inbound-example.com-rule"
NOTHING = Swept([], [])
STORE = {"BucketName": "inbound-mail", "ObjectKeyPrefix": "emails/example.com/1/"}
pytestmark = pytest.mark.usefixtures("rows")


def test_a_sweep_of_ses_makes_one_describe_and_one_list_call(ses_with_a):
    sweep_ses()
    assert [entry["action"] for entry in ses_with_a.journal()] == [
        "DescribeActiveReceiptRuleSet",
        "ListEmailIdentities",
    ]


def test_a_removed_rule_is_created_again(ses_with_a):
    Gateway(ses_config()).delete_rule(RULE)
    assert sweep_ses().invalidated == [DOMAIN]
    reconcile_due()
    assert rules() == {RULE: {"a@example.com"}}


def test_a_changed_rule_is_repaired(ses_with_a):
    ses = boto3.client("ses", region_name="eu-west-1")
    rule = ses.describe_receipt_rule(RuleSetName="inbound-email-rules", RuleName=RULE)["Rule"]
    ses.update_receipt_rule(
        RuleSetName="inbound-email-rules", Rule={**rule, "Recipients": ["a@example.com", "intruder@example.com"]}
    )
    assert sweep_ses().invalidated == [DOMAIN]
    reconcile_due()
    assert rules() == {RULE: {"a@example.com"}}


@pytest.mark.parametrize(
    "change",
    [
        {"Enabled": False},
        {"ScanEnabled": False},
        {"TlsPolicy": "Require"},
        {"Recipients": []},
        {"Actions": []},
        {"Actions": [{"S3Action": STORE}, {"StopAction": {"Scope": "RuleSet"}}]},
        {"Actions": [{"S3Action": {**STORE, "KmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/1"}}]},
    ],
)
def test_a_rule_with_other_actions_is_repaired(ses_with_a, change):
    ses = boto3.client("ses", region_name="eu-west-1")
    rule = ses.describe_receipt_rule(RuleSetName="inbound-email-rules", RuleName=RULE)["Rule"]
    ses.update_receipt_rule(RuleSetName="inbound-email-rules", Rule={**rule, **change})
    assert sweep_ses().invalidated == [DOMAIN]
    reconcile_due()
    assert sweep_ses() == NOTHING


def test_a_removed_rule_is_created_again_although_identities_cannot_be_listed(ses_with_a):
    Gateway(ses_config()).delete_rule(RULE)
    Gateway(ses_config()).delete_identity(DOMAIN)
    ses_with_a.add_faults({"service": "sesv2", "action": "ListEmailIdentities", "fault": "access_denied"})
    with pytest.raises(SesError, match="lack a permission"):
        sweep_ses()
    reconcile_due()
    assert (rules(), identities()) == ({RULE: {"a@example.com"}}, set())
    # What could not be listed is not taken for what is missing.
    assert LedgerEntry.objects.get(kind="identity").presence == "present"
    assert sweep_ses().invalidated == [DOMAIN]
    reconcile_due()
    assert identities() == {DOMAIN}


def test_a_removed_identity_is_created_again(ses_with_a):
    Gateway(ses_config()).delete_identity(DOMAIN)
    assert sweep_ses().invalidated == [DOMAIN]
    reconcile_due()
    assert identities() == {DOMAIN}


def test_everything_is_created_again_after_a_reset_of_the_emulator(ses_with_a, settings):
    ses_with_a.reset()
    settings.SES_AUTO_SETUP = True
    prepare(ses_config())
    assert sweep_ses().invalidated == [DOMAIN]
    reconcile_due()
    assert (rules(), identities()) == ({RULE: {"a@example.com"}}, {DOMAIN})


def test_foreign_rules_and_identities_are_left_alone(ses_with_a):
    ses = boto3.client("ses", region_name="eu-west-1")
    ses.create_receipt_rule(
        RuleSetName="inbound-email-rules", Rule={"Name": "inbound-theirs-rule", "Recipients": ["x@theirs.org"]}
    )
    ses.verify_domain_identity(Domain="theirs.org")
    assert sweep_ses() == NOTHING
    assert "inbound-theirs-rule" in rules()


def test_foreign_rules_and_identities_are_counted(ses_with_a):
    theirs = boto3.client("ses", region_name="eu-west-1")
    theirs.create_receipt_rule(RuleSetName="inbound-email-rules", Rule={"Name": "r", "Recipients": ["x@theirs.org"]})
    for name in ("theirs.org", "also-theirs.org"):
        theirs.verify_domain_identity(Domain=name)
    boto3.client("sesv2", region_name="eu-west-1").create_email_identity(EmailIdentity="x@theirs.org")
    sweep_ses()
    noted = RuleSetState.objects.get()
    assert (noted.foreign_rules, noted.foreign_identities) == (1, 3)


def test_resources_that_we_remove_while_ses_is_asked_do_not_count_as_foreign(ses_with_a, monkeypatch):
    seen = Gateway.identities

    def look_then_the_domain_is_deleted(self: Gateway) -> object:
        found = seen(self)
        remove()
        reconcile(DOMAIN)
        return found

    monkeypatch.setattr(Gateway, "identities", look_then_the_domain_is_deleted)
    sweep_ses()
    noted = RuleSetState.objects.get()
    assert (noted.foreign_rules, noted.foreign_identities) == (0, 0)


def test_the_number_of_statements_is_constant(ses_with_a):
    sweep_database()  # records once that it has compared all rows
    counts = []
    for size in (1, 5):
        for number in range(size):
            receive("a", "b", domain=f"d{number}.org")
            reconcile(f"d{number}.org")
        sweep_ses()
        with CaptureQueriesContext(connection) as statements:
            assert (sweep_database(), sweep_ses()) == ([], NOTHING)
        counts.append(len(statements))
    assert counts[0] == counts[1] < 25


def test_a_dirty_domain_is_skipped_and_swept_again_once_it_is_up_to_date(ses_with_a):
    receive("a", "b", domain="other.org")
    reconcile("other.org")
    Gateway(ses_config()).delete_identity("other.org")
    receive("b", domain="other.org")
    assert sweep_ses() == Swept(invalidated=[], skipped=["other.org"])
    assert not any_up_to_date(["other.org"])
    reconcile("other.org")
    assert any_up_to_date(["other.org"])
    assert sweep_ses() == Swept(invalidated=["other.org"], skipped=[])
    reconcile_due()
    assert identities() == {DOMAIN, "other.org"}


def test_an_entry_with_a_call_in_flight_is_left_to_its_own_pass(ses_with_a):
    receive("a", "b")
    Writer().call_without_answer()
    Gateway(ses_config()).delete_rule(RULE)
    assert sweep_ses() == NOTHING


def test_an_observation_older_than_the_last_answer_is_ignored(ses_with_a, monkeypatch):
    seen = Gateway.rules

    def look_then_another_pass_finishes(self: Gateway) -> object:
        found = seen(self)
        receive("a", "b")
        reconcile(DOMAIN)
        return found

    monkeypatch.setattr(Gateway, "rules", look_then_another_pass_finishes)
    assert sweep_ses() == NOTHING
    assert not DomainSync.objects.get().pending


def test_a_disabled_rule_is_not_shown_as_receiving_while_it_cannot_be_repaired(ses_with_a):
    ses = boto3.client("ses", region_name="eu-west-1")
    rule = ses.describe_receipt_rule(RuleSetName="inbound-email-rules", RuleName=RULE)["Rule"]
    ses.update_receipt_rule(RuleSetName="inbound-email-rules", Rule={**rule, "Enabled": False})
    ses_with_a.add_faults({"service": "ses", "action": "UpdateReceiptRule", "fault": "access_denied", "times": None})
    sweep_ses()
    reconcile_due()
    assert list(LedgerRecipient.objects.values_list("recipient", flat=True)) == []


def test_a_successful_observation_ends_an_outage(ses):
    """Domains that wait for SES to be back become due without a successful change."""
    receive("a")
    reconcile(DOMAIN)
    ses.add_faults({"service": "ses", "action": "*", "fault": "throttle", "times": None})
    receive("a", "b")
    with shared_deadline(0.2):
        reconcile(DOMAIN)
    DomainSync.objects.update(retry_at=timezone.now() + timedelta(hours=1))
    ses.clear_faults()
    sweep_ses()
    assert DomainSync.objects.get().retry_at is None
