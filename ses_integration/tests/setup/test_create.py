"""`ses_setup` creates topic, queue, dead-letter queue, policies and subscription."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from ses_integration.models import DomainSync
from ses_integration.reconcile.loop import reconcile, reconcile_due
from ses_integration.setup.prepare import auto_setup
from ses_integration.tests.commands.run import run
from ses_integration.tests.setup.fixtures import (
    CREATED,
    CREATED_TO_SEND,
    FRESH_CALLS,
    QUEUE,
    READS,
    TOPIC,
    attributes,
    mail_calls,
    queue_url,
    sns,
    sqs,
)
from ses_integration.tests.support.fake_domains import DOMAIN, receive
from ses_integration.tests.support.ses_state import rules

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite_only]


def test_it_does_not_touch_mail_that_no_setting_names(ses):
    run("ses_setup")
    assert mail_calls(ses) == []


def test_a_topic_without_a_queue_is_somebody_else_s(ses, settings):
    settings.SES_TOPIC_ARN = TOPIC
    run("ses_setup")
    assert mail_calls(ses) == []


def test_mail_creates_everything_from_nothing_and_prints_the_settings(ses):
    code, said = run("ses_setup", "--mail")
    assert code == 0
    assert said.splitlines() == [
        *CREATED,
        *CREATED_TO_SEND,
        "Put this into the environment of web processes and workers:",
        f"SES_TOPIC_ARN={TOPIC}",
        f"SES_QUEUE_URL={queue_url(ses)}",
        "SES_CONFIGURATION_SET=inbound-out",
    ]
    assert mail_calls(ses) == FRESH_CALLS


def test_settings_that_name_what_does_not_exist_create_it(named):
    assert run("ses_setup")[1].splitlines() == CREATED
    # Their URLs are known.
    assert mail_calls(named) == ["GetQueueAttributes", "GetQueueAttributes", *FRESH_CALLS[2:]]


def test_a_second_run_changes_nothing_and_says_so(there):
    assert run("ses_setup")[1] == (
        "Receipt rule set inbound-email-rules exists and is active, and reading mail is set up; nothing to do.\n"
    )
    assert mail_calls(there) == READS


def test_mail_after_the_settings_are_made_changes_nothing(there, settings):
    settings.SES_CONFIGURATION_SET = "inbound-out"
    run("ses_setup")
    assert run("ses_setup", "--mail")[1].endswith("nothing to do.\n")


def test_the_queue_has_the_attributes_that_reading_needs(there):
    held = attributes(there)
    assert {name: held[name] for name in ("MessageRetentionPeriod", "VisibilityTimeout")} == {
        "MessageRetentionPeriod": "1209600",
        "VisibilityTimeout": "120",
    }
    assert held["ReceiveMessageWaitTimeSeconds"] == "20"
    assert json.loads(held["RedrivePolicy"]) == {"deadLetterTargetArn": f"{QUEUE}-dead", "maxReceiveCount": 10}
    assert attributes(there, "inbound-mail-dead")["MessageRetentionPeriod"] == "1209600"


def test_only_the_topic_may_send_to_the_queue(there):
    assert json.loads(attributes(there)["Policy"])["Statement"] == [
        {
            "Sid": "InboundTopicSends",
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": QUEUE,
            "Condition": {"ArnEquals": {"aws:SourceArn": TOPIC}},
        }
    ]


def test_only_rules_of_our_rule_set_may_publish(there):
    held = sns().get_topic_attributes(TopicArn=TOPIC)["Attributes"]
    assert held["SignatureVersion"] == "2"
    of_aws, ours = json.loads(held["Policy"])["Statement"]
    # Everybody, if the topic is in their account.
    assert (of_aws["Sid"], of_aws["Condition"]) == (
        "__default_statement_ID",
        {"StringEquals": {"AWS:SourceOwner": "123456789012"}},
    )
    assert ours == (
        {
            "Sid": "InboundSesPublishesInboundEmailRules",
            "Effect": "Allow",
            "Principal": {"Service": "ses.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": TOPIC,
            "Condition": {
                "StringEquals": {"AWS:SourceAccount": "123456789012"},
                "ArnLike": {
                    "AWS:SourceArn": "arn:aws:ses:eu-west-1:123456789012:receipt-rule-set/inbound-email-rules:receipt-rule/*"
                },
            },
        }
    )


def test_what_is_published_arrives_bare(there):
    sns().publish(TopicArn=TOPIC, Message="a notification")
    [message] = sqs().receive_message(QueueUrl=queue_url(there), WaitTimeSeconds=2)["Messages"]
    assert message["Body"] == "a notification"


def test_a_queue_of_another_account_is_refused(ses, settings):
    settings.SES_TOPIC_ARN = TOPIC
    settings.SES_QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/999999999999/mail"
    with pytest.raises(CommandError) as refusal:
        run("ses_setup")
    assert str(refusal.value) == (
        "SES_QUEUE_URL is in account 999999999999, and the credentials belong to account 123456789012: set it up there."
    )
    assert mail_calls(ses) == []


def test_domains_that_waited_for_the_topic_are_due_at_once(named, rows):
    receive("a")
    reconcile(DOMAIN)
    assert DomainSync.objects.get().stalled
    run("ses_setup")
    assert DomainSync.objects.get().retry_at is None
    reconcile_due()
    assert rules() == {"inbound-example.com-rule": {"a@example.com"}}


def test_auto_setup_creates_everything_and_then_only_looks(named, settings):
    settings.SES_AUTO_SETUP = True
    assert auto_setup() == CREATED
    named.clear_journal()
    assert auto_setup() == []
    assert mail_calls(named) == READS


@pytest.mark.parametrize("number", range(len(FRESH_CALLS)))
@pytest.mark.parametrize("kind", ["access_denied", "fail", "lost", "dropped", "throttle"])
def test_after_a_failure_at_any_call_a_second_run_goes_on(ses, number, kind):
    call = FRESH_CALLS[number]
    service = "sqs" if "Queue" in call else "sns"
    ses.add_faults(
        {"service": service, "action": call, "fault": kind, "skip": FRESH_CALLS[:number].count(call), "times": 1}
    )
    with pytest.raises(CommandError) as failure:
        run("ses_setup", "--mail")
    if kind == "access_denied":
        assert f"AWS does not allow {service}:{call} on arn:aws:{service}:eu-west-1:123456789012:" in str(failure.value)
    run("ses_setup", "--mail")
    ses.clear_journal()
    assert "nothing to do." in run("ses_setup", "--mail")[1]
    assert len(sns().list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]) == 1
    assert json.loads(attributes(ses)["RedrivePolicy"])["deadLetterTargetArn"] == f"{QUEUE}-dead"


def test_what_was_done_before_a_failure_is_printed(ses):
    ses.add_faults({"service": "sns", "action": "CreateTopic", "fault": "access_denied"})
    out = StringIO()
    with pytest.raises(CommandError, match="AWS does not allow sns:CreateTopic on"):
        call_command("ses_setup", "--mail", stdout=out)
    assert out.getvalue().splitlines() == CREATED[:2]
