from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import boto3
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ses_integration.aws.gateway import Gateway
from ses_integration.conf import ses_config
from ses_integration.coordination.deadline import shared_deadline
from ses_integration.drift.sweep import Swept, any_up_to_date, claim_sweep, sweep_database, sweep_ses
from ses_integration.errors import SesError
from ses_integration.models import DomainSync, LedgerEntry, RuleSetState
from ses_integration.reconcile import snapshot
from ses_integration.reconcile.loop import reconcile, reconcile_due
from ses_integration.status import recipients
from ses_integration.tests.fake_domains import DOMAIN, change_behind_our_back, receive, remove
from ses_integration.tests.protocol_steps import Writer
from ses_integration.tests.ses_state import calls, identities, rules

RULE = "inbound-example.com-rule"
NOTHING = Swept([], [])
pytestmark = pytest.mark.usefixtures("rows")


def test_nothing_differs_and_nothing_is_marked(a):
    assert (sweep_database(), sweep_ses()) == ([], NOTHING)
    assert calls(a) == []


def test_a_sweep_of_the_database_asks_aws_nothing(a):
    sweep_database()
    assert a.journal() == []


def test_a_sweep_of_ses_is_one_describe_and_one_list(a):
    sweep_ses()
    assert [entry["action"] for entry in a.journal()] == ["DescribeReceiptRuleSet", "ListEmailIdentities"]


def test_rows_that_changed_behind_our_back_are_marked(a):
    change_behind_our_back("a", "b")
    assert sweep_database() == [DOMAIN]
    reconcile_due()
    assert rules() == {RULE: {"a@example.com", "b@example.com"}}


def test_rows_that_vanished_behind_our_back_are_marked(a, rows):
    rows.clear()
    assert sweep_database() == [DOMAIN]
    reconcile_due()
    assert (rules(), identities()) == ({}, set())


def test_a_domain_without_a_mark_is_marked(a, rows):
    change_behind_our_back("x", domain="new.org")
    assert sweep_database() == ["new.org"]
    reconcile_due()
    assert rules()["inbound-new.org-rule"] == {"x@new.org"}


def test_a_domain_that_is_owed_something_is_not_marked_again(a):
    receive("a", "b")
    assert sweep_database() == []


def test_a_rule_that_somebody_removed_is_put_back(a):
    Gateway(ses_config()).delete_rule(RULE)
    assert sweep_ses().invalidated == [DOMAIN]
    reconcile_due()
    assert rules() == {RULE: {"a@example.com"}}


def test_a_rule_that_somebody_changed_is_put_right(a):
    ses = boto3.client("ses", region_name="eu-west-1")
    rule = ses.describe_receipt_rule(RuleSetName="inbound-email-rules", RuleName=RULE)["Rule"]
    ses.update_receipt_rule(
        RuleSetName="inbound-email-rules", Rule={**rule, "Recipients": ["a@example.com", "intruder@example.com"]}
    )
    assert sweep_ses().invalidated == [DOMAIN]
    reconcile_due()
    assert rules() == {RULE: {"a@example.com"}}


STORE = {"BucketName": "inbound-mail", "ObjectKeyPrefix": "emails/example.com/1/"}


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
def test_a_rule_that_does_something_else_than_ours_is_put_right(a, change):
    ses = boto3.client("ses", region_name="eu-west-1")
    rule = ses.describe_receipt_rule(RuleSetName="inbound-email-rules", RuleName=RULE)["Rule"]
    ses.update_receipt_rule(RuleSetName="inbound-email-rules", Rule={**rule, **change})
    assert sweep_ses().invalidated == [DOMAIN]
    reconcile_due()
    assert sweep_ses() == NOTHING


def test_a_rule_that_somebody_removed_is_put_back_although_identities_cannot_be_listed(a):
    Gateway(ses_config()).delete_rule(RULE)
    Gateway(ses_config()).delete_identity(DOMAIN)
    a.add_faults({"service": "sesv2", "action": "ListEmailIdentities", "fault": "access_denied"})
    with pytest.raises(SesError, match="lack a permission"):
        sweep_ses()
    reconcile_due()
    assert (rules(), identities()) == ({RULE: {"a@example.com"}}, set())
    # What could not be listed is not taken for what is missing.
    assert LedgerEntry.objects.get(kind="identity").presence == "present"
    assert sweep_ses().invalidated == [DOMAIN]
    reconcile_due()
    assert identities() == {DOMAIN}


def test_an_identity_that_somebody_removed_is_made_again(a):
    Gateway(ses_config()).delete_identity(DOMAIN)
    assert sweep_ses().invalidated == [DOMAIN]
    reconcile_due()
    assert identities() == {DOMAIN}


def test_an_emulator_that_forgot_everything_is_brought_back_in_line(a, settings):
    a.reset()
    settings.SES_AUTO_SETUP = True
    from ses_integration.aws import rule_set

    rule_set.prepare(ses_config())
    assert sweep_ses().invalidated == [DOMAIN]
    reconcile_due()
    assert (rules(), identities()) == ({RULE: {"a@example.com"}}, {DOMAIN})


def test_rules_and_identities_of_others_are_left_alone(a):
    ses = boto3.client("ses", region_name="eu-west-1")
    ses.create_receipt_rule(
        RuleSetName="inbound-email-rules", Rule={"Name": "inbound-theirs-rule", "Recipients": ["x@theirs.org"]}
    )
    ses.verify_domain_identity(Domain="theirs.org")
    assert sweep_ses() == NOTHING
    assert "inbound-theirs-rule" in rules()


def test_what_is_of_others_is_counted_in_one_place(a):
    theirs = boto3.client("ses", region_name="eu-west-1")
    theirs.create_receipt_rule(RuleSetName="inbound-email-rules", Rule={"Name": "r", "Recipients": ["x@theirs.org"]})
    for name in ("theirs.org", "also-theirs.org"):
        theirs.verify_domain_identity(Domain=name)
    boto3.client("sesv2", region_name="eu-west-1").create_email_identity(EmailIdentity="x@theirs.org")
    sweep_ses()
    noted = RuleSetState.objects.get()
    assert (noted.foreign_rules, noted.foreign_identities) == (1, 3)


def test_what_we_remove_while_ses_is_asked_is_not_counted_as_somebody_else_s(a, monkeypatch):
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


def test_its_statements_do_not_grow_with_what_there_is(a):
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


def test_a_domain_that_has_a_mark_is_skipped_and_seen_again_once_it_is_in_line(a):
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


def test_a_mark_that_came_while_the_rows_were_read_is_enough(a, monkeypatch):
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


def test_whoever_claims_a_sweep_first_makes_it(transactional_db):
    assert claim_sweep(60.0) is None
    assert 0 < claim_sweep(60.0) <= 60
    assert 60 < claim_sweep(3600.0) <= 3600
    RuleSetState.objects.update(swept_at=timezone.now() - timedelta(seconds=61))
    assert 60 < claim_sweep(3600.0) <= 3539
    assert claim_sweep(60.0) is None
    assert claim_sweep(0.0) is None


def test_another_region_is_swept_by_itself(transactional_db, settings):
    claim_sweep(60.0)
    settings.AWS_REGION = "eu-central-1"
    assert claim_sweep(60.0) is None
    settings.AWS_REGION = ""
    assert (claim_sweep(60.0), claim_sweep(60.0), RuleSetState.objects.count()) == (None, None, 2)


@pytest.mark.postgresql
def test_of_many_that_claim_a_sweep_at_once_one_makes_it(transactional_db):
    ready = threading.Barrier(8)

    def claim(_: int) -> float | None:
        try:
            ready.wait()
            return claim_sweep(60.0)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as workers:
        assert [*workers.map(claim, range(8))].count(None) == 1


def test_an_entry_in_doubt_is_left_to_its_own_pass(a):
    receive("a", "b")
    Writer().call_without_answer()
    Gateway(ses_config()).delete_rule(RULE)
    assert sweep_ses() == NOTHING


def test_a_look_that_is_older_than_the_last_answer_is_thrown_away(a, monkeypatch):
    seen = Gateway.rules

    def look_then_another_pass_finishes(self: Gateway) -> object:
        found = seen(self)
        receive("a", "b")
        reconcile(DOMAIN)
        return found

    monkeypatch.setattr(Gateway, "rules", look_then_another_pass_finishes)
    assert sweep_ses() == NOTHING
    assert not DomainSync.objects.get().pending


def test_a_removed_domain_s_leftover_is_found(a):
    remove()
    reconcile(DOMAIN)
    assert (sweep_database(), sweep_ses()) == ([], NOTHING)


def test_a_rule_that_somebody_switched_off_is_not_shown_as_receiving_while_it_cannot_be_repaired(a):
    ses = boto3.client("ses", region_name="eu-west-1")
    rule = ses.describe_receipt_rule(RuleSetName="inbound-email-rules", RuleName=RULE)["Rule"]
    ses.update_receipt_rule(RuleSetName="inbound-email-rules", Rule={**rule, "Enabled": False})
    a.add_faults({"service": "ses", "action": "UpdateReceiptRule", "fault": "access_denied", "times": None})
    sweep_ses()
    reconcile_due()
    assert recipients.rule_names(DOMAIN, "a@example.com") == []


def test_a_look_that_is_answered_ends_an_outage(ses):
    """What waits for its next try because nobody answered need not wait for a change that somebody makes."""
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
