"""SES takes fewer recipients in a rule than is configured, and refuses the first that is too many: trouble meets the call
that shows it, and those that follow from it.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from inbound.tests.aws import recipients_sent
from inbound.tests.faults.checks import assert_in_line, work_until_nothing_is_owed
from inbound.tests.faults.operations import CREATE, ORG, UPDATE, Claim, Operation, add_address, delete_address
from inbound.tests.faults.running import end_in_line, meet_at_every_call, run_without_trouble
from inbound.tests.faults.troubles import TROUBLES
from inbound.tests.faults.world import Holding, World
from ses_integration.models import RuleSetState

pytestmark = pytest.mark.sqlite_only

CONFIGURED, TAKEN = 12, 10


def nothing_was_learned(world: World, stem: str) -> None:
    RuleSetState.objects.update(recipients_per_rule=None)


LEARN = Operation(
    "one-too-many",
    given={ORG: Holding("bcdefghijk")},
    limit=CONFIGURED,
    before=nothing_was_learned,
    act=add_address,
    calls=(UPDATE, UPDATE, CREATE),
    then={ORG: Holding("bcdefghijk", "a")},
    claims=(Claim("recipient", f"a@{ORG}", held=True),),
    undo=delete_address,
)


@pytest.fixture(autouse=True)
def fewer_than_configured(world, settings) -> None:
    settings.SES_MAX_RECIPIENTS_PER_RULE = CONFIGURED
    world.ses.set_quotas(recipients=TAKEN)


def test_a_run_without_trouble(world, worker, subtests):
    run_without_trouble(world, worker, subtests, [LEARN])


def test_faults_at_every_call(world, worker, subtests):
    """All in one installation, because they are few."""
    for trouble in TROUBLES:
        if not trouble.by_somebody_else and not trouble.lands_late:
            meet_at_every_call(world, subtests, trouble, [replace(LEARN, name=trouble.name)])
    work_until_nothing_is_owed(world, worker)
    recipients_sent(world.ses)
    assert_in_line(world)


def test_calls_that_land_late(world, worker, subtests):
    for trouble in TROUBLES:
        if trouble.lands_late:
            end_in_line(world, worker, subtests, trouble, [LEARN])
