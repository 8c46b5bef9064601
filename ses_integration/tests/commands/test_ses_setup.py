from __future__ import annotations

import json
from urllib.request import Request, urlopen

import boto3
import pytest
from django.core.management import CommandError, call_command

from ses_integration.drift.sweep import sweep_ses
from ses_integration.models import DomainSync, RuleSetState
from ses_integration.reconcile.loop import reconcile
from ses_integration.tests.commands.run import run
from ses_integration.tests.support.fake_domains import DOMAIN, receive
from ses_integration.tests.support.ses_state import rules

pytestmark = pytest.mark.django_db(transaction=True)


def set_pace(aws, calls_per_second: float) -> None:
    body = json.dumps({"calls_per_second": calls_per_second}).encode()
    urlopen(Request(f"{aws.url}/_clock", data=body, method="POST")).close()


def active() -> str | None:
    ses = boto3.client("ses", region_name="eu-west-1")
    return ses.describe_active_receipt_rule_set().get("Metadata", {}).get("Name")


@pytest.fixture
def foreign(aws):
    ses = boto3.client("ses", region_name="eu-west-1")
    ses.create_receipt_rule_set(RuleSetName="theirs")
    ses.set_active_receipt_rule_set(RuleSetName="theirs")


def test_it_creates_and_activates_the_rule_set(aws):
    assert run("ses_setup") == (0, "Receipt rule set inbound-email-rules was created and is active now.\n")
    assert active() == "inbound-email-rules"


def test_a_second_run_changes_nothing(aws):
    run("ses_setup")
    aws.clear_journal()
    assert run("ses_setup")[1] == "Receipt rule set inbound-email-rules exists and is active; nothing to do.\n"
    assert [entry["action"] for entry in aws.journal()] == ["DescribeActiveReceiptRuleSet"]


def test_with_auto_setup_it_creates_the_bucket(aws, settings):
    settings.SES_AUTO_SETUP = True
    assert "Bucket inbound-mail was created.\n" in run("ses_setup")[1]


def test_without_auto_setup_it_does_not_create_the_bucket(aws):
    run("ses_setup")
    assert boto3.client("s3", region_name="eu-west-1").list_buckets()["Buckets"] == []


@pytest.mark.usefixtures("foreign")
def test_it_refuses_to_replace_another_active_rule_set():
    with pytest.raises(CommandError, match="Receipt rule set theirs is active and is not ours"):
        run("ses_setup")
    assert active() == "theirs"


@pytest.mark.usefixtures("foreign")
def test_take_over_replaces_the_active_rule_set():
    run("ses_setup", "--take-over")
    assert active() == "inbound-email-rules"


def test_an_aws_error_is_one_sentence(aws):
    aws.add_faults({"service": "ses", "action": "*", "fault": "access_denied"})
    with pytest.raises(CommandError, match="lack a permission"):
        run("ses_setup")


def test_it_respects_the_rate_limit(aws, settings):
    settings.SES_CALLS_PER_SECOND = 5
    set_pace(aws, 5)
    run("ses_setup")
    assert {entry["status"] for entry in aws.journal()} == {200}
    # The look-up below does not wait for its turn.
    set_pace(aws, 0)
    assert active() == "inbound-email-rules"


def test_domains_that_waited_for_it_are_due_at_once(aws, rows):
    receive("a")
    reconcile(DOMAIN)
    assert DomainSync.objects.get().stalled
    run("ses_setup")
    assert DomainSync.objects.get().retry_at is None


@pytest.fixture
def moved(ses, rows):
    """SES holds a rule of the rows, and the ledger is said to be of another account."""
    receive("a")
    reconcile(DOMAIN)
    RuleSetState.objects.update(account="999999999999")
    ses.clear_journal()
    return ses


def test_it_refuses_credentials_of_another_account(moved):
    with pytest.raises(CommandError) as refusal:
        run("ses_setup")
    assert str(refusal.value) == (
        "The credentials belong to account 123456789012, but the ledger describes account 999999999999. Use credentials of "
        "the latter. If the installation has moved, run ses_cleanup with its previous credentials first, and then ses_setup "
        "--new-account."
    )
    assert moved.journal() == []


def test_new_account_moves_to_another_account(moved, settings):
    moved.reset()
    settings.SES_AUTO_SETUP = True
    _, said = run("ses_setup", "--new-account")
    assert said.splitlines() == [
        "The ledger describes account 123456789012 from now on, and no longer 999999999999.",
        "Receipt rule set inbound-email-rules was created and is active now.",
        "Bucket inbound-mail was created.",
    ]
    assert sweep_ses().invalidated == [DOMAIN]
    reconcile(DOMAIN)
    assert rules() == {"inbound-example.com-rule": {"a@example.com"}}


def test_new_account_changes_nothing_in_the_same_account(ses):
    assert run("ses_setup", "--new-account")[1].endswith("exists and is active; nothing to do.\n")


def test_json_has_what_was_done_and_the_settings_to_add(aws, settings, capsys):
    settings.SES_TOPIC_ARN = settings.SES_QUEUE_URL = settings.SES_CONFIGURATION_SET = ""
    call_command("ses_setup", "--mail", "--json")
    said = capsys.readouterr()
    values = json.loads(said.out)
    assert values["done"][0] == "Receipt rule set inbound-email-rules was created and is active now."
    assert list(values["settings"]) == ["SES_TOPIC_ARN", "SES_QUEUE_URL", "SES_CONFIGURATION_SET"]
    assert values["settings"]["SES_TOPIC_ARN"].startswith("arn:aws:sns:eu-west-1:")
    assert said.err.splitlines() == values["done"]
    call_command("ses_setup", "--json")
    assert json.loads(capsys.readouterr().out) == {"done": [], "settings": {}}


@pytest.mark.usefixtures("foreign")
def test_a_failure_prints_no_json(capsys):
    with pytest.raises(CommandError):
        call_command("ses_setup", "--json")
    assert capsys.readouterr().out == ""
