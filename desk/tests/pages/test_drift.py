"""The drift page."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from django.db.models import F
from django.test import Client

from addresses.models import EmailAddress
from desk.pages.drift import RECENT
from inbound.tests.support.admin_site import messages_on, staff, text
from inbound.tests.support.aws import rules
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory
from ses_integration.emulator.server import Emulator
from ses_integration.models import SesSweep

DRIFT = "/admin/drift/"


def foreign_rule(*recipients: str, **more: Any) -> None:
    """In front of all others."""
    rule: Any = {"Name": "legacy", "Enabled": True, "Recipients": list(recipients), "Actions": [], **more}
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
    assert "SES held what it should at that time, and nothing else of ours." in text(admin_client.get(DRIFT))


def test_rules_behind_one_that_ends_their_mail_are_moved_to_the_front(ses: Emulator, admin_client: Client):
    name = "example.com"
    EmailAddressFactory(domain=DomainFactory(name=name))
    foreign_rule(name, Actions=[{"StopAction": {"Scope": "RuleSet"}}])
    admin_client.post(DRIFT, {"look": ""})
    assert "out of order" in text(admin_client.post(DRIFT, {"repair": ""}))
    said = messages_on(admin_client.post(DRIFT, {"confirmed": "", "domain": [name]}))
    assert said == [("info", "Tried 1 thing: 1 done."), ("success", "Compared with SES just now.")]
    assert list(rules(ses)) == [f"inbound-{name}-rule", "legacy"]
    assert "Put right what is ours" not in text(admin_client.get(DRIFT))


def test_a_plan_that_removes_more_than_a_third_wants_to_be_typed(ses: Emulator, admin_client: Client):
    addresses = [EmailAddressFactory(domain=DomainFactory(name=f"{local}.example")) for local in "abc"]
    gone = [address.domain for address in addresses[:2]]
    # As a database that was restored in part.
    EmailAddress.objects.filter(domain__in=gone)._raw_delete("default")
    admin_client.post(DRIFT, {"look": ""})
    plan = text(admin_client.post(DRIFT, {"repair": ""}))
    assert "This removes 2 of 3 rules, which is more than a third." in plan
    values = {"confirmed": "", "domain": [domain.name for domain in gone]}
    for typed in ({}, {"typed": "remove 1 of 3 rules"}):
        answer = admin_client.post(DRIFT, {**values, **typed})
        assert answer.status_code == 200
        assert ("That is not the phrase above." in text(answer)) == bool(typed)
    assert len(rules(ses)) == 3
    # One of three is no more than a third.
    assert admin_client.post(DRIFT, {**values, "domain": [gone[0].name]}).status_code == 302
    assert len(rules(ses)) == 2
    assert admin_client.post(DRIFT, {**values, "typed": "Remove 1 of 2 rules"}).status_code == 302
    assert list(rules(ses)) == ["inbound-c.example-rule"]


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("ended_at", F("ended_at") - RECENT, "SES was compared too long ago: look now first."),
        ("number", 1_000, "There are more differences than this page lists: run `ses_reconcile --apply`."),
    ],
)
def test_a_comparison_that_does_not_tell_everything_is_not_applied(
    ses: Emulator, admin_client: Client, column: str, value: Any, why: str
):
    address = EmailAddressFactory()
    admin_client.post(DRIFT, {"look": ""})
    EmailAddress.objects.filter(pk=address.pk)._raw_delete("default")
    admin_client.post(DRIFT, {"look": ""})
    SesSweep.objects.update(**{column: value})
    for values in ({"repair": ""}, {"confirmed": "", "domain": [address.domain.name], "typed": "remove 1 of 1 rule"}):
        assert messages_on(admin_client.post(DRIFT, values))[-1] == ("error", f"{why} Nothing was changed.")
    assert rules(ses)


def test_who_may_only_look_at_it_changes_nothing(ses: Emulator, client: Client):
    staff(client, "ses_integration.view_domainsync")
    assert "Look now" not in text(client.get(DRIFT))
    assert client.post(DRIFT, {"look": ""}).status_code == 403
    assert not ses.journal()
