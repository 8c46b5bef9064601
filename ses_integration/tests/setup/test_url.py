"""`ses_setup --mail --url` lets the topic post to a URL, without a queue."""

from __future__ import annotations

import pytest
from django.core.management import CommandError

from ses_integration.arrivals import certificates
from ses_integration.emulator.sns.posts import POSTS
from ses_integration.tests.commands.run import run
from ses_integration.tests.doctor.fixtures import doctor, ready
from ses_integration.tests.setup.fixtures import CREATED_TO_SEND, TOPIC, mail_calls, sns

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite]

__all__ = ["ready"]

# Nothing listens there, so nothing confirms.
URL = "http://127.0.0.1:9/hooks/sns"
TOPIC_IS_THERE = ["Topic inbound-mail was created.", "SES may publish to topic inbound-mail."]
ASKED = f"{URL} has been asked to confirm its subscription."


def subscriptions() -> list[tuple[str, str]]:
    found = sns().list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]
    return [(it["Protocol"], it["Endpoint"]) for it in found]


@pytest.mark.parametrize(
    "arguments",
    [("--url", URL), ("--mail", "--url", "mail.example.net"), ("--mail", "--url", "https://mail.example.net")],
)
def test_what_is_no_url_or_goes_without_mail_is_refused(ses, arguments):
    with pytest.raises(CommandError, match="--url goes with --mail, and is a URL such as"):
        run("ses_setup", *arguments)
    assert ses.journal() == []


def test_the_topic_posts_to_the_url_and_there_is_no_queue(ses):
    assert run("ses_setup", "--mail", "--url", URL)[1].splitlines() == [
        *TOPIC_IS_THERE,
        ASKED,
        *CREATED_TO_SEND,
        "Put this into the environment of web processes and workers:",
        f"SES_TOPIC_ARN={TOPIC}",
        "MAIL_SOURCE=sns",
        "SES_CONFIGURATION_SET=inbound-out",
    ]
    assert subscriptions() == [("http", URL)]
    assert not [call for call in mail_calls(ses) if "Queue" in call]


def test_a_url_that_has_not_confirmed_is_asked_again(ses, settings):
    settings.SES_TOPIC_ARN, settings.MAIL_SOURCE = TOPIC, "sns"
    settings.SES_CONFIGURATION_SET = "inbound-out"
    run("ses_setup", "--mail", "--url", URL)
    assert run("ses_setup", "--mail", "--url", URL)[1] == f"{ASKED}\n"
    assert subscriptions() == [("http", URL)]


def test_without_the_url_only_the_topic_is_repaired(ses, settings):
    settings.SES_TOPIC_ARN, settings.MAIL_SOURCE = TOPIC, "sns"
    assert run("ses_setup")[1].splitlines() == TOPIC_IS_THERE
    assert subscriptions() == []


def test_the_doctor_says_that_no_url_is_there_or_that_it_has_not_confirmed(ses, settings):
    settings.SES_TOPIC_ARN, settings.MAIL_SOURCE = TOPIC, "sns"
    run("ses_setup")
    assert doctor("--no-probe")[1]["subscription"]["seen"] == "The topic posts to no URL."
    run("ses_setup", "--mail", "--url", URL)
    found = doctor("--no-probe")[1]
    assert found["subscription"]["seen"] == f"{URL} has not confirmed that it wants notifications."
    assert found["delivery"]["do"] == "Fix subscription first."
    assert "queue" not in found


@pytest.mark.postgresql
def test_a_running_web_process_confirms_and_receives_the_probe(ready, settings, live_server):
    settings.SES_TOPIC_ARN, settings.MAIL_SOURCE, settings.ALLOWED_HOSTS = TOPIC, "sns", ["*"]
    settings.SES_CONFIGURATION_SET = "inbound-out"
    certificates.forget()
    url = f"{live_server.url}/hooks/sns"
    assert f"{url} has been asked to confirm its subscription.\n" in run("ses_setup", "--mail", "--url", url)[1]
    assert POSTS.wait()
    assert run("ses_setup", "--mail", "--url", url)[1].endswith("nothing to do.\n")
    code, found = doctor()
    assert code == 0
    assert {found[check]["outcome"] for check in ("topic", "topic policy", "subscription", "delivery")} == {"ok"}
    assert found["notifications"]["seen"].startswith("A web process has received the probe, after ")
