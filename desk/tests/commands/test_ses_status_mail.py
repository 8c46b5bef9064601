"""`ses_status` on reading mail: which rules have the topic, and what waits in the queue."""

from __future__ import annotations

import pytest

from ses_integration.drift.sweep import sweep_database
from ses_integration.reconcile.loop import reconcile_due
from ses_integration.reconcile.queue import retry_now
from ses_integration.tests.commands.run import run
from ses_integration.tests.setup.fixtures import TOPIC, named, queue_url, sqs
from ses_integration.tests.support.fake_domains import receive, remove
from workers.models import Worker

__all__ = ["named"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite, pytest.mark.usefixtures("alive")]

DOMAINS = ("a.org", "b.org", "c.org")


@pytest.fixture
def three_rules(ses, rows):
    for domain in DOMAINS:
        receive("hello", domain=domain)
    reconcile_due()
    return ses


def line(beginning: str) -> str:
    [found] = [line for line in run("ses_status")[1].splitlines() if line.startswith(beginning)]
    return found


@pytest.mark.usefixtures("three_rules")
def test_without_a_topic_nothing_is_said_of_it():
    assert "topic" not in run("ses_status")[1]


@pytest.mark.usefixtures("three_rules")
def test_the_rules_with_a_new_topic_are_counted(named, settings):
    assert line("The topic") == "The topic is confirmed in 0 of 3 rules; the worker updates the rest."
    settings.SES_CALLS_PER_SECOND = 1
    assert line("The topic") == "The topic is confirmed in 0 of 3 rules; the worker updates the rest, at 1 a second."
    settings.SES_CALLS_PER_SECOND = 0
    run("ses_setup")
    assert sweep_database() == list(DOMAINS)
    named.add_faults({"service": "ses", "action": "UpdateReceiptRule", "fault": "throttle", "skip": 1, "times": None})
    reconcile_due()
    assert line("The topic") == "The topic is confirmed in 1 of 3 rules; the worker updates the rest."
    named.clear_faults()
    retry_now(*DOMAINS)
    reconcile_due()
    assert line("The topic") == "The topic is confirmed in all 3 rules."


@pytest.mark.usefixtures("three_rules", "named")
def test_rules_of_removed_domains_do_not_count():
    remove("a.org")
    remove("b.org")
    assert line("The topic") == "The topic is confirmed in 0 of 1 rule; the worker updates the rest."
    Worker.objects.all().delete()
    assert line("The topic") == "The topic is confirmed in 0 of 1 rule; the rest waits for ses_worker."


@pytest.mark.usefixtures("rows")
def test_without_rules_nothing_is_said_of_the_topic(ses, settings):
    settings.SES_TOPIC_ARN = TOPIC
    assert "topic" not in run("ses_status")[1]


def test_what_waits_in_the_queue_is_counted(named):
    run("ses_setup")
    for name, count in (("inbound-mail", 3), ("inbound-mail-dead", 1)):
        for _ in range(count):
            sqs().send_message(QueueUrl=queue_url(named, name), MessageBody="a notification")
    sqs().receive_message(QueueUrl=queue_url(named))
    assert line("Mail is read") == (
        "Mail is read from queue inbound-mail: 2 notifications waiting, 1 being read, 1 dead letter; see the runbook."
    )


def test_a_queue_that_does_not_answer_does_not_hide_the_rest(named):
    said = "Mail is read from queue inbound-mail: its length is not known. The queue that SES_QUEUE_URL names does not exist."
    assert line("Mail is read") == said
    assert run("ses_status")[1].endswith("Everything is up to date.\n")


def test_without_a_queue_aws_is_not_called(ses, settings):
    settings.MAIL_SOURCE = "sweep"
    assert line("Mail is read") == "Mail is read by the sweep alone."
    settings.MAIL_SOURCE = "sns"
    assert line("Mail is read") == "Mail is read when SNS posts a notification, and by the sweep."
    assert ses.journal() == []
