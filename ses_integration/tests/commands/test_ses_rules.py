from __future__ import annotations

import json

import boto3
import pytest
from django.core.management import CommandError

from ses_integration.reconcile.loop import reconcile
from ses_integration.tests.commands.run import run
from ses_integration.tests.support.fake_domains import DOMAIN, receive


def test_an_empty_rule_set_says_so(ses):
    assert run("ses_rules") == (0, "Receipt rule set inbound-email-rules in eu-west-1 has no rules.\n")


def test_it_lists_the_rules_as_a_table(ses, rows):
    receive("b", "a")
    reconcile(DOMAIN)
    assert run("ses_rules") == (
        0,
        "RULE                      DOMAIN       RECIPIENTS     ACTIONS\n"
        "------------------------  -----------  -------------  ---------------------------------------\n"
        "inbound-example.com-rule  example.com  a@example.com  s3://inbound-mail/emails/example.com/1/\n"
        "                                       b@example.com\n",
    )


def test_foreign_rules_and_rules_without_recipients_are_marked(ses, rows):
    boto3.client("ses", region_name="eu-west-1").create_receipt_rule(
        RuleSetName="inbound-email-rules", Rule={"Name": "theirs", "Enabled": False}
    )
    text = run("ses_rules")[1]
    assert "theirs (disabled)  (not ours)  EVERY ADDRESS OF EVERY DOMAIN" in text


def test_a_prefix_that_others_chose_stays_on_its_line(ses, rows):
    action = {"S3Action": {"BucketName": "inbound-mail", "ObjectKeyPrefix": "a\x9b2J\nb"}}
    ses.region("eu-west-1").rules.rule_sets["inbound-email-rules"].rules.append(
        {"Name": "theirs", "Enabled": True, "Recipients": ["x@example.org"], "Actions": [action]}
    )
    assert "s3://inbound-mail/a\\x9b2J\\nb\n" in run("ses_rules")[1]


def test_it_changes_nothing(ses):
    run("ses_rules")
    assert [entry["action"] for entry in ses.journal()] == ["DescribeReceiptRuleSet"]


def test_a_missing_rule_set_is_one_sentence(aws):
    with pytest.raises(CommandError, match="run ses_setup"):
        run("ses_rules")


def test_json_has_every_published_field(ses, rows):
    receive("a")
    reconcile(DOMAIN)
    code, text = run("ses_rules", "--json")
    assert (code, json.loads(text)) == (
        0,
        {
            "region": "eu-west-1",
            "ruleSet": "inbound-email-rules",
            "rules": [
                {
                    "name": "inbound-example.com-rule",
                    "domain": DOMAIN,
                    "enabled": True,
                    "recipients": ["a@example.com"],
                    "actions": ["s3://inbound-mail/emails/example.com/1/"],
                }
            ],
        },
    )
