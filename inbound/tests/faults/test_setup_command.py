"""Faults at every call of `ses_setup` while another rule set is active: a second run creates and activates ours."""

from __future__ import annotations

from typing import Any

import pytest

from inbound.tests.faults.cases.command_cases import CommandCase
from inbound.tests.faults.cases.fault_cases import FAULT_CASES
from inbound.tests.faults.checks import assert_up_to_date, work_until_idle
from inbound.tests.faults.installation import Installation
from ses_integration.conf import ses_config
from ses_integration.tests.emulator.clients import client, control

pytestmark = pytest.mark.sqlite_only

THEIRS = "theirs"


def activate_foreign_rule_set(installation: Installation, stem: str) -> None:
    """Activate the foreign rule set, and delete ours with all its rules."""
    ses = client("ses", installation.ses.url)
    ses.set_active_receipt_rule_set(RuleSetName=THEIRS)
    ses.delete_receipt_rule_set(RuleSetName=ses_config().rule_set)


def inactive(installation: Installation, stem: str) -> set[str]:
    held, ours = _held(installation), ses_config().rule_set
    return set() if held["active_rule_set"] == ours and ours in held["rule_sets"] else {ours}


SETUP = CommandCase(
    "set-up",
    given={},
    before=activate_foreign_rule_set,
    command=("ses_setup", "--take-over"),
    calls=("DescribeActiveReceiptRuleSet", "CreateReceiptRuleSet", "SetActiveReceiptRuleSet"),
    left=inactive,
)


def test_after_a_fault_at_any_call_a_second_run_activates_our_rule_set(installation, sweeping_worker, subtests):
    ses = client("ses", installation.ses.url)
    ses.create_receipt_rule_set(RuleSetName=THEIRS)
    ses.create_receipt_rule(
        RuleSetName=THEIRS, Rule={"Name": "theirs", "Enabled": True, "Recipients": ["z@theirs.org"]}
    )
    foreign_rules = _held(installation)["rule_sets"][THEIRS]
    for fault_case in FAULT_CASES:
        # External changes do not matter between these three calls, and none of them does harm when it is applied late.
        if fault_case.external or fault_case.applied_late:
            continue
        for number, call in enumerate(SETUP.calls[: len(SETUP.calls) - fault_case.persists]):
            with subtests.test(f"{fault_case.name}, call {number}: {call}"):
                SETUP.before(installation, fault_case.name)
                installation.ses.clear_journal()
                with fault_case.inject(installation, fault_case.name, number) as injected:
                    code, text = SETUP.run(fault_case.name)
                    assert injected()
                assert (code, fault_case.sentence in text) == (1, True)
                assert SETUP.run(fault_case.name)[0] == 0
                assert SETUP.left(installation, fault_case.name) == set()
                assert _held(installation)["rule_sets"][THEIRS] == foreign_rules
    work_until_idle(installation, sweeping_worker)
    assert_up_to_date(installation)


def test_setup_makes_the_expected_calls(installation):
    client("ses", installation.ses.url).create_receipt_rule_set(RuleSetName=THEIRS)
    activate_foreign_rule_set(installation, "")
    installation.ses.clear_journal()
    assert SETUP.run("")[0] == 0
    assert tuple(entry["action"] for entry in installation.ses.journal()) == SETUP.calls


def _held(installation: Installation) -> dict[str, Any]:
    _, regions = control(installation.ses.url, "GET", "/_ses")
    held: dict[str, Any] = regions[ses_config().region]
    return held
