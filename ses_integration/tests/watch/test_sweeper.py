"""A sweep keeps what it has found, and a look between two sweeps finds what others have changed."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import boto3
import pytest
from django.db.models import F
from django.utils import timezone

from inbound.tests.support.aws import calls
from ses_integration.conf import ses_config
from ses_integration.drift.adopt import adopt
from ses_integration.errors import SesError
from ses_integration.models import RuleSetState, SesSweep
from ses_integration.overview import ses_overview
from ses_integration.plan.resources import ResourceKind
from ses_integration.reconcile.loop import reconcile
from ses_integration.tests.commands.run import run
from ses_integration.tests.support.fake_domains import DOMAIN, receive
from ses_integration.watch.look import LOOK_SECONDS
from ses_integration.watch.sweeper import SesSweeper

pytestmark = pytest.mark.sqlite

RULE_SET = "inbound-email-rules"
TEXT = (
    "! rule legacy of example.com: a@example.com. It is not ours and takes mail of ours: "
    "its owner must disable it, or remove our domains from it."
)


@pytest.fixture
def domain(ses, rows):
    receive("a")
    reconcile(DOMAIN)


@pytest.fixture
def sweeper(domain):
    found = SesSweeper(3600.0)
    found.sweep()
    return found


def add_rule(name: str = "legacy", *, enabled: bool = True) -> None:
    rule: Any = {"Name": name, "Enabled": enabled, "Recipients": ["a@example.com"], "Actions": []}
    boto3.client("ses", region_name="eu-west-1").create_receipt_rule(RuleSetName=RULE_SET, Rule=rule)


def let_time_pass() -> None:
    SesSweep.objects.update(looked_at=F("looked_at") - timedelta(seconds=LOOK_SECONDS))


def last():
    return ses_overview().sweep


def test_a_sweep_keeps_what_ses_reconcile_prints(domain):
    add_rule()
    SesSweeper(3600.0).sweep()
    [found] = [one for one in last().listed if one.is_problem]
    assert (found.text, found.lasts, found.intrudes, list(found.takes_from)) == (TEXT, True, True, [DOMAIN])
    assert (last().number, last().foreign_rules) == (1, 1)
    assert TEXT in run("ses_reconcile")[1]


def test_a_new_foreign_rule_is_logged_once(domain, caplog):
    caplog.set_level(logging.WARNING, logger="ses_integration.watch")
    for name in ("legacy", "other"):
        add_rule(name)
        SesSweeper(3600.0).sweep()
        SesSweeper(3600.0).sweep()
    assert [record.getMessage() for record in caplog.records] == [
        f"SES: {TEXT}",
        f"SES: {TEXT.replace('legacy', 'other')}",
    ]


def test_a_difference_keeps_the_time_at_which_it_was_first_found(domain):
    add_rule()
    SesSweeper(3600.0).sweep()
    [before] = last().listed
    SesSweeper(3600.0).sweep()
    [after] = last().listed
    assert before.since == after.since


def test_a_look_costs_one_call_and_finds_a_new_foreign_rule(ses, sweeper):
    add_rule()
    ses.clear_journal()
    sweeper.look()
    assert (calls(ses), last().foreign_rules) == ([], 0)
    let_time_pass()
    sweeper.look()
    assert last().foreign_rules == 1
    let_time_pass()
    ses.clear_journal()
    sweeper.look()
    assert [entry["action"] for entry in ses.journal()] == ["DescribeActiveReceiptRuleSet"]


def test_a_look_finds_that_another_rule_set_was_activated(ses, sweeper):
    client = boto3.client("ses", region_name="eu-west-1")
    client.create_receipt_rule_set(RuleSetName="another")
    client.set_active_receipt_rule_set(RuleSetName="another")
    let_time_pass()
    sweeper.look()
    [found] = last().listed
    assert (found.kind, found.name, found.lasts) == ("not active", RULE_SET, True)


def test_what_we_change_ourselves_is_not_swept(ses, sweeper):
    receive("a", "b")
    receive("a", domain="other.org")
    reconcile(DOMAIN)
    reconcile("other.org")
    let_time_pass()
    ended = last().ended_at
    sweeper.look()
    assert last().ended_at == ended


def test_a_rule_that_is_gone_is_forgotten(ses, sweeper):
    add_rule()
    sweeper.sweep()
    boto3.client("ses", region_name="eu-west-1").delete_receipt_rule(RuleSetName=RULE_SET, RuleName="legacy")
    let_time_pass()
    sweeper.look()
    assert (last().number, list(last().listed)) == (0, [])


def test_what_is_adopted_is_looked_at_again(sweeper):
    adopt(ses_config(), ResourceKind.IDENTITY, "left.example", domain="left.example")
    let_time_pass()
    ended = last().ended_at
    sweeper.look()
    assert last().ended_at > ended


@pytest.mark.parametrize("ahead", [timedelta(minutes=2), timedelta(days=1)])
def test_times_that_a_wrong_clock_has_written_ahead_hold_up_nothing(ses, sweeper, ahead):
    RuleSetState.objects.update(swept_at=timezone.now() + ahead)
    SesSweep.objects.update(looked_at=timezone.now() + ahead)
    add_rule()
    sweeper.look()
    assert last().foreign_rules == 1
    RuleSetState.objects.update(swept_at=timezone.now() + ahead)
    assert SesSweeper(3600.0).run() is None


def test_a_sweep_that_fails_keeps_what_was_found_before(ses, sweeper):
    add_rule()
    sweeper.sweep()
    ses.add_faults({"service": "ses", "action": "DescribeActiveReceiptRuleSet", "fault": "access_denied"})
    with pytest.raises(SesError):
        sweeper.sweep()
    assert (last().needs_you, last().foreign_rules) == (True, 1)
    assert "lack a permission" in last().problem
    sweeper.sweep()
    assert (last().problem, last().needs_you) == ("", False)


def test_ses_reconcile_keeps_what_it_has_found(domain):
    add_rule()
    assert last() is None
    run("ses_reconcile")
    assert last().foreign_rules == 1
