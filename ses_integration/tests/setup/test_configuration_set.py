"""`ses_setup` creates and repairs the configuration set of mail that is sent."""

from __future__ import annotations

import json

import boto3
import pytest
from django.core.management import CommandError

from ses_integration.tests.commands.run import run
from ses_integration.tests.setup.fixtures import CREATED_TO_SEND, TOPIC, sns

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite_only]

OURS = {
    "Name": "inbound",
    "Enabled": True,
    "MatchingEventTypes": ["BOUNCE", "COMPLAINT"],
    "SnsDestination": {"TopicArn": TOPIC},
}
LOOK = ["DescribeActiveReceiptRuleSet", "GetConfigurationSetEventDestinations"]


@pytest.fixture
def sending(there, settings):
    """Topic and queue exist, and the settings name a configuration set that does not."""
    settings.SES_CONFIGURATION_SET = "inbound-out"
    return there


def sesv2():
    return boto3.client("sesv2", region_name="eu-west-1")


def destinations():
    answer = sesv2().get_configuration_set_event_destinations(ConfigurationSetName="inbound-out")
    return answer["EventDestinations"]


def calls(aws):
    return [entry["action"] for entry in aws.journal() if entry["service"] in ("ses", "sesv2")]


def put(**changes):
    """Create our event destination with some differences."""
    definition = {name: value for name, value in {**OURS, **changes}.items() if name != "Name"}
    sesv2().create_configuration_set(ConfigurationSetName="inbound-out")
    sesv2().create_configuration_set_event_destination(
        ConfigurationSetName="inbound-out",
        EventDestinationName=changes.get("Name", "inbound"),
        EventDestination=definition,
    )


def test_without_a_setting_nothing_is_sent_up_to_ses(there):
    run("ses_setup")
    assert calls(there) == LOOK[:1]


def test_a_named_configuration_set_is_created_and_tells_the_topic(sending):
    assert run("ses_setup")[1].splitlines() == ["SES may publish to topic inbound-mail.", *CREATED_TO_SEND]
    assert destinations() == [OURS]


def test_its_events_may_be_published(sending):
    run("ses_setup")
    policy = json.loads(sns().get_topic_attributes(TopicArn=TOPIC)["Attributes"]["Policy"])
    assert policy["Statement"][-1] == {
        "Sid": "InboundSesTellsEventsInboundOut",
        "Effect": "Allow",
        "Principal": {"Service": "ses.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": TOPIC,
        "Condition": {
            "StringEquals": {"AWS:SourceAccount": "123456789012"},
            "ArnLike": {"AWS:SourceArn": "arn:aws:ses:eu-west-1:123456789012:configuration-set/inbound-out"},
        },
    }


def test_a_second_run_only_looks(sending):
    run("ses_setup")
    sending.clear_journal()
    assert run("ses_setup")[1].endswith("nothing to do.\n")
    assert calls(sending) == LOOK


@pytest.mark.parametrize("change", [{"Enabled": False}, {"MatchingEventTypes": ["BOUNCE"]}])
def test_a_changed_event_destination_is_repaired(sending, change):
    put(**change)
    assert run("ses_setup")[1].splitlines()[1:] == CREATED_TO_SEND[1:]
    assert destinations() == [OURS]


def test_an_event_destination_of_somebody_else_is_kept_and_will_do(sending):
    put(Name="theirs", MatchingEventTypes=["BOUNCE", "COMPLAINT", "DELIVERY"])
    assert run("ses_setup")[1].splitlines() == ["SES may publish to topic inbound-mail."]
    assert [destination["Name"] for destination in destinations()] == ["theirs"]


def test_a_missing_permission_is_named(sending):
    sending.add_faults({"service": "sesv2", "action": "CreateConfigurationSet", "fault": "access_denied"})
    with pytest.raises(CommandError) as refusal:
        run("ses_setup")
    assert str(refusal.value) == (
        "AWS does not allow ses:CreateConfigurationSet on "
        "arn:aws:ses:eu-west-1:123456789012:configuration-set/inbound-out: allow it in the policy of these credentials."
    )
