"""Trouble at every call of `ses_setup`, while another rule set receives the mail: run again, it makes ours and activates it."""

from __future__ import annotations

from typing import Any

import pytest

from inbound.tests.faults.checks import assert_in_line, work_until_nothing_is_owed
from inbound.tests.faults.chores import Chore
from inbound.tests.faults.troubles import TROUBLES
from inbound.tests.faults.world import World
from ses_integration.conf import ses_config
from ses_integration.tests.emulator.clients import client, control

pytestmark = pytest.mark.sqlite_only

THEIRS = "theirs"


def theirs_is_active(world: World, stem: str) -> None:
    """And ours is gone, with all its rules."""
    ses = client("ses", world.ses.url)
    ses.set_active_receipt_rule_set(RuleSetName=THEIRS)
    ses.delete_receipt_rule_set(RuleSetName=ses_config().rule_set)


def inactive(world: World, stem: str) -> set[str]:
    held, ours = _held(world), ses_config().rule_set
    return set() if held["active_rule_set"] == ours and ours in held["rule_sets"] else {ours}


SETUP = Chore(
    "set-up",
    given={},
    before=theirs_is_active,
    command=("ses_setup", "--take-over"),
    calls=("DescribeActiveReceiptRuleSet", "CreateReceiptRuleSet", "SetActiveReceiptRuleSet"),
    left=inactive,
)


def test_at_every_call(world, looking_worker, subtests):
    ses = client("ses", world.ses.url)
    ses.create_receipt_rule_set(RuleSetName=THEIRS)
    ses.create_receipt_rule(
        RuleSetName=THEIRS, Rule={"Name": "theirs", "Enabled": True, "Recipients": ["z@theirs.org"]}
    )
    theirs = _held(world)["rule_sets"][THEIRS]
    for trouble in TROUBLES:
        # Nobody else's call matters between these three, and none of them does harm when it lands late.
        if trouble.by_somebody_else or trouble.lands_late:
            continue
        for number, call in enumerate(SETUP.calls[: len(SETUP.calls) - trouble.goes_on]):
            with subtests.test(f"{trouble.name}, call {number}: {call}"):
                SETUP.before(world, trouble.name)
                world.ses.clear_journal()
                with trouble.at(world, trouble.name, number) as met:
                    code, text = SETUP.run(trouble.name)
                    assert met()
                assert (code, trouble.sentence in text) == (1, True)
                assert SETUP.run(trouble.name)[0] == 0
                assert SETUP.left(world, trouble.name) == set()
                assert _held(world)["rule_sets"][THEIRS] == theirs
    work_until_nothing_is_owed(world, looking_worker)
    assert_in_line(world)


def test_a_run_without_trouble(world):
    client("ses", world.ses.url).create_receipt_rule_set(RuleSetName=THEIRS)
    theirs_is_active(world, "")
    world.ses.clear_journal()
    assert SETUP.run("")[0] == 0
    assert tuple(entry["action"] for entry in world.ses.journal()) == SETUP.calls


def _held(world: World) -> dict[str, Any]:
    _, regions = control(world.ses.url, "GET", "/_ses")
    held: dict[str, Any] = regions[ses_config().region]
    return held
