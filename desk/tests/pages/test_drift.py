"""The drift page."""

from __future__ import annotations

from typing import Any

import boto3
from django.test import Client

from inbound.tests.support.admin_site import messages_on, staff, text
from inbound.tests.support.factories import EmailAddressFactory
from ses_integration.emulator.server import Emulator

DRIFT = "/admin/drift/"


def foreign_rule(*recipients: str) -> None:
    rule: Any = {"Name": "legacy", "Enabled": True, "Recipients": list(recipients), "Actions": []}
    boto3.client("ses", region_name="eu-west-1").create_receipt_rule(RuleSetName="inbound-email-rules", Rule=rule)


def test_before_the_first_comparison_it_says_so(ses, admin_client: Client):
    assert "SES has not been compared yet" in text(admin_client.get(DRIFT))


def test_looking_finds_a_foreign_rule(ses, admin_client: Client):
    address = EmailAddressFactory()
    foreign_rule(address.address)
    assert messages_on(admin_client.post(DRIFT, {"look": ""})) == [("success", "Compared with SES just now.")]
    shown = text(admin_client.get(DRIFT))
    assert "legacy" in shown
    assert "foreign" in shown


def test_if_ses_cannot_be_asked_the_reason_is_shown(ses: Emulator, admin_client: Client, settings):
    settings.SES_REQUEST_BUDGET = 0.2
    ses.add_faults({"service": "ses", "action": "*", "fault": "throttle", "times": None})
    [(level, said)] = messages_on(admin_client.post(DRIFT, {"look": ""}))
    assert (level, said) == ("error", "SES could not be compared. AWS is throttling our calls.")
    assert "The last comparison failed" in text(admin_client.get(DRIFT))


def test_what_is_ours_is_put_right_after_a_plan(ses: Emulator, admin_client: Client):
    address = EmailAddressFactory()
    name = address.domain.name
    boto3.client("ses", region_name="eu-west-1").delete_receipt_rule(
        RuleSetName="inbound-email-rules", RuleName=f"inbound-{name}-rule"
    )
    admin_client.post(DRIFT, {"look": ""})
    plan = text(admin_client.post(DRIFT, {"repair": ""}))
    assert "Put 1 domain right?" in plan
    assert name in plan
    said = messages_on(admin_client.post(DRIFT, {"confirmed": "", "domain": [name]}))
    assert said[0] == ("info", "Tried 1 thing: 1 done.")
    assert "Everything of ours in SES is as the rows want it." in text(admin_client.get(DRIFT))


def test_who_may_only_look_at_it_changes_nothing(ses: Emulator, client: Client):
    staff(client, "ses_integration.view_domainsync")
    assert "Look now" not in text(client.get(DRIFT))
    assert client.post(DRIFT, {"look": ""}).status_code == 403
    assert not ses.journal()
