"""What sweeps have found is a part of the state."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import boto3
import pytest
from django.utils import timezone

from desk.state.read import read_state
from desk.state.values import Finding, Kind, Level, State
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory
from ses_integration.errors import SesError
from ses_integration.models import SesSweep
from ses_integration.watch.sweeper import SesSweeper
from workers.models import Worker

pytestmark = pytest.mark.sqlite


def only(state: State) -> Finding:
    [finding] = state.findings
    return finding


def foreign_rule(*recipients: str, name: str = "legacy") -> None:
    rule: Any = {"Name": name, "Enabled": True, "Recipients": list(recipients), "Actions": []}
    boto3.client("ses", region_name="eu-west-1").create_receipt_rule(RuleSetName="inbound-email-rules", Rule=rule)


def test_a_foreign_rule_that_takes_our_mail_needs_you_and_others_are_not_named(ses, alive, user):
    ours, theirs = DomainFactory(owner=user), DomainFactory()
    foreign_rule(f"a@{ours.name}", f"a@{theirs.name}")
    foreign_rule(f"b@{theirs.name}", name="another")
    SesSweeper(3600.0).sweep()
    state = read_state()
    found = {finding.subject: finding for finding in state.findings}
    assert found["legacy"].kind is Kind.FOREIGN_RULE
    assert ours.name in found["legacy"].what
    assert theirs.name in found["legacy"].what
    assert state.sweep is not None
    assert (state.sweep.differences, state.sweep.foreign_rules, len(state.sweep.listed)) == (2, 2, 2)
    own = only(read_state(user))
    assert (own.subject, own.what) == ("legacy", f"is not ours and takes mail of {ours.name}")
    assert theirs.name not in repr(read_state(user))


def test_rules_behind_a_foreign_one_are_one_finding(ses, alive):
    for _ in range(3):
        EmailAddressFactory()
    boto3.client("ses", region_name="eu-west-1").create_receipt_rule(
        RuleSetName="inbound-email-rules",
        Rule={
            "Name": "legacy",
            "Enabled": True,
            "Recipients": ["x.org"],
            "Actions": [{"StopAction": {"Scope": "RuleSet"}}],
        },
    )
    SesSweeper(3600.0).sweep()
    finding = only(read_state())
    assert (finding.kind, finding.subject, finding.what) == (Kind.DRIFT, "3 rules", "behind a rule that is not ours")
    assert "legacy" in finding.why


def test_a_rule_set_that_is_not_active_needs_you(ses, alive):
    client = boto3.client("ses", region_name="eu-west-1")
    client.create_receipt_rule_set(RuleSetName="another")
    client.set_active_receipt_rule_set(RuleSetName="another")
    SesSweeper(3600.0).sweep()
    finding = only(read_state())
    assert (finding.kind, finding.subject) == (Kind.RULE_SET, "inbound-email-rules")
    assert finding.why.startswith("another is active and receives the mail")


def test_a_sweep_that_failed_is_told_once(ses, alive):
    ses.add_faults({"service": "ses", "action": "DescribeActiveReceiptRuleSet", "fault": "access_denied"})
    with pytest.raises(SesError) as error:
        SesSweeper(3600.0).sweep()
    finding = only(read_state())
    assert (finding.kind, finding.level, finding.why) == (Kind.SWEEP, Level.NEEDS_YOU, error.value.sentence)
    Worker.objects.filter(kind="ses_worker").update(problem=f"sweep SES: {error.value.sentence}", needs_you=True)
    assert only(read_state()).kind is Kind.WORKER


def test_everything_was_confirmed_by_the_last_sweep_unless_something_waits(ses, alive, settings):
    assert read_state().confirmed_until is None
    SesSweeper(3600.0).sweep()
    state = read_state()
    assert state.sweep is not None
    assert state.confirmed_until == state.sweep.ended_at is not None
    settings.SES_REQUEST_BUDGET = 0.0
    DomainFactory()
    assert read_state().confirmed_until is None


def test_sweeps_that_nobody_makes_need_you_although_a_worker_runs(ses, alive):
    def later(**times: float) -> None:
        hours = {name: timezone.now() - timedelta(hours=number) for name, number in times.items()}
        Worker.objects.update(started_at=hours["started_at"])
        SesSweep.objects.update(ended_at=hours["ended_at"])

    SesSweeper(3600.0).sweep()
    later(started_at=9, ended_at=2)
    assert read_state().is_settled
    later(started_at=1, ended_at=9)
    assert read_state().is_settled
    later(started_at=9, ended_at=9)
    finding = only(read_state())
    assert (finding.kind, finding.level) == (Kind.SWEEP, Level.NEEDS_YOU)
    assert finding.why == "An ses_worker runs, but has compared nothing for more than 2 h."
    SesSweep.objects.all().delete()
    assert only(read_state()).kind is Kind.SWEEP


def test_a_sweep_that_failed_is_told_also_if_a_domain_has_the_same_problem(ses, alive):
    ses.add_faults({"service": "*", "action": "*", "fault": "throttle", "times": None})
    DomainFactory()
    with pytest.raises(SesError):
        SesSweeper(3600.0).sweep()
    whys = {finding.kind: finding.why for finding in read_state().findings}
    assert whys[Kind.SWEEP] == whys[Kind.SES_CHANGE] == "AWS is throttling our calls."
