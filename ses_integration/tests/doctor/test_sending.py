"""`ses_doctor` on sending: what the account may send, whether we may, and whether bounces come back."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from ses_integration.doctor.checks.ses import check_account
from ses_integration.doctor.probes.response import Response
from ses_integration.tests.commands.run import run
from ses_integration.tests.doctor.fixtures import calls, doctor, fault, outcome
from ses_integration.tests.setup.fixtures import named

__all__ = ["named"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite_only]

SET_UP = "Run `python manage.py ses_setup`."


@pytest.fixture
def sending(ready, named, settings):
    """All that sending needs, as `ses_setup` leaves it."""
    settings.SES_CONFIGURATION_SET = "inbound-out"
    run("ses_setup")
    ready.clear_journal()
    return ready


def look() -> dict[str, dict[str, str]]:
    return doctor("--no-probe")[1]


def account(**changes: Any) -> Response:
    quota = {"MaxSendRate": 14.0, "Max24HourSend": 50_000.0, "SentLast24Hours": 1_234.0, **changes.pop("quota", {})}
    body = {"SendingEnabled": True, "ProductionAccessEnabled": True, "EnforcementStatus": "HEALTHY", "SendQuota": quota}
    return Response(body={**body, **changes})


def test_all_is_well_and_nobody_gets_a_mail(sending):
    found = look()
    assert {name: found[name]["outcome"] for name in ("sending", "ses:SendEmail", "bounces")} == {
        "sending": "ok",
        "ses:SendEmail": "ok",
        "bounces": "ok",
    }
    assert found["ses:PutEmailIdentityFeedbackAttributes"]["outcome"] == "ok"
    assert sending.outbox() == []


def test_an_installation_that_reads_no_mail_is_not_asked_about_sending(ready):
    assert "sending" not in look()
    assert "GetAccount" not in calls(ready, "sesv2")


def test_without_a_configuration_set_nothing_fails(sending, settings):
    settings.SES_CONFIGURATION_SET = ""
    fault(sending, "SendEmail", "access_denied", service="sesv2")
    found = look()
    assert (found["bounces"]["outcome"], found["ses:SendEmail"]["outcome"]) == ("warning", "warning")


def test_a_missing_permission_to_send_names_both_actions(sending):
    fault(sending, "SendEmail", "access_denied", service="sesv2")
    assert outcome(look()["ses:SendEmail"]) == (
        "failed",
        "AWS does not allow it: no mail can be forwarded.",
        "Allow ses:SendEmail and ses:SendRawEmail on arn:aws:ses:eu-west-1:123456789012:identity/* in the policy of these "
        "credentials.",
    )


def test_a_paused_account_may_send_later_so_the_permission_is_proven(sending):
    sending.limit_sending(paused=True)
    found = look()
    assert found["sending"]["seen"] == "AWS has paused the account's sending."
    assert found["ses:SendEmail"]["outcome"] == "ok"


def test_the_sandbox_is_a_warning(sending):
    sending.limit_sending(sandbox=True)
    assert outcome(look()["sending"]) == (
        "warning",
        "The account is in the sandbox: mail goes to verified addresses only. Up to 1 a second and 200 in 24 hours; sent: 0.",
        "Ask AWS for production access before mail is forwarded.",
    )


def test_a_missing_configuration_set_is_reported(sending, settings):
    settings.SES_CONFIGURATION_SET = "other"
    found = look()
    assert outcome(found["bounces"]) == ("failed", "There is no configuration set other.", SET_UP)
    assert found["ses:SendEmail"]["outcome"] == "ok"


def test_a_configuration_set_that_tells_nobody_is_reported(sending):
    boto3.client("sesv2", region_name="eu-west-1").delete_configuration_set_event_destination(
        ConfigurationSetName="inbound-out", EventDestinationName="inbound"
    )
    seen = "Configuration set inbound-out does not tell the topic of bounces and complaints."
    assert outcome(look()["bounces"]) == ("failed", seen, SET_UP)
    run("ses_setup")
    assert look()["bounces"]["outcome"] == "ok"


@pytest.mark.parametrize(
    ("action", "check"), [("GetAccount", "sending"), ("GetConfigurationSetEventDestinations", "bounces")]
)
def test_what_only_the_doctor_needs_may_be_denied(sending, action, check):
    fault(sending, action, "access_denied", service="sesv2", times=None)
    found = look()[check]
    assert (found["outcome"], f"ses:{action} is not allowed" in found["seen"]) == ("warning", True)


@pytest.mark.parametrize(
    ("response", "result", "seen"),
    [
        (account(), "ok", "Up to 14 a second and 50,000 in 24 hours; sent: 1,234."),
        (account(quota={"Max24HourSend": -1.0}), "ok", "Up to 14 a second and any number in 24 hours; sent: 1,234."),
        (
            account(quota={"SentLast24Hours": 45_000.0}),
            "warning",
            "Up to 14 a second and 50,000 in 24 hours; sent: 45,000.",
        ),
        (account(EnforcementStatus="SHUTDOWN"), "failed", "AWS has paused the account's sending."),
        (account(EnforcementStatus="PROBATION"), "warning", None),
        (account(ProductionAccessEnabled=False), "warning", None),
    ],
)
def test_what_the_account_may_send_is_said(response, result, seen):
    found = check_account(response)
    assert found.outcome == result
    assert seen is None or found.seen == seen
