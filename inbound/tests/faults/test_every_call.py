"""Each trouble at every SES call of every operation; when it is over, SES and the rows are one without another request.

The cases of a trouble are generated: operation by operation and call by call, as the emulator has seen the calls of a run
without trouble. Each has a domain of its own, named after it, so that what is wrong in the end says where it comes from.
The worker serves them all at once: an installation for each case would cost minutes.
"""

from __future__ import annotations

import pytest
from django.test import Client, override_settings

from inbound.tests.factories import UserFactory
from inbound.tests.faults.checks import (
    a_while_later,
    assert_in_line,
    assert_true,
    put_off,
    work_until_nothing_is_owed,
)
from inbound.tests.faults.operations import OPERATIONS, Claims, Operation
from inbound.tests.faults.troubles import TROUBLES, Trouble, land, unanswered
from inbound.tests.faults.world import RECIPIENTS_PER_RULE, Holding, World, rows
from inbound.tests.seen import calls, written
from inbound.worker import Worker
from ses_integration.convergence import converge_due


@pytest.fixture
def world(ses, user, api, settings) -> World:
    settings.SES_MAX_RECIPIENTS_PER_RULE = RECIPIENTS_PER_RULE
    # What is arranged is complete, and nothing settles by itself, however slow the machine.
    settings.SES_REQUEST_BUDGET = 60
    settings.SES_CALL_SETTLE_SECONDS = 900
    admin = Client()
    admin.force_login(UserFactory(is_staff=True, is_superuser=True))
    # Nobody touches it.
    world = World(ses, user, api, admin, expected={"bystander.org": Holding("ab")})
    world.add("bystander.org", world.expected["bystander.org"])
    return world


def begin(world: World, stem: str, operation: Operation) -> None:
    """Everything is as it is before the operation, and the journal is empty."""
    for name, holding in operation.given.items():
        world.add(name.format(stem), holding)
    operation.before(world, stem)
    world.expected |= {name.format(stem): holding for name, holding in operation.then.items()}
    world.deletions += operation.deletions
    world.ses.clear_journal()


def assert_rows_are_written(world: World, stem: str, operation: Operation) -> None:
    """All that the operation changes in the database, whatever SES does, and nothing by halves."""
    names = {name.format(stem) for name in (*operation.given, *operation.then)}
    assert {name: found for name, found in rows().items() if name in names} == {
        name.format(stem): holding.rows(name.format(stem)) for name, holding in operation.then.items()
    }


def test_a_run_without_trouble(world, subtests):
    """The calls and claims that stand with each operation are those that it makes."""
    for operation in OPERATIONS:
        with subtests.test(operation.name):
            begin(world, operation.name, operation)
            said = operation.act(world, operation.name)
            assert tuple(calls(world.ses)) == operation.calls
            assert said == {claim.about(operation.name) for claim in operation.claims}
            assert_true(said, world)
            assert_rows_are_written(world, operation.name, operation)
    work_until_nothing_is_owed(world)
    assert_in_line(world)


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.name)
def test_at_every_call(world, subtests, trouble: Trouble):
    never_again: Claims = set()
    late = []
    for operation in OPERATIONS:
        for number, call in enumerate(operation.calls[:-1] if trouble.goes_on else operation.calls):
            stem = f"{operation.name}-{number}"
            with subtests.test(f"{operation.name}, call {number}: {call}"):
                begin(world, stem, operation)
                # The budget is less than the shortest back-off, so that no request waits for one.
                with trouble.at(world, stem, number) as met, override_settings(SES_REQUEST_BUDGET=0.4):
                    said = operation.act(world, stem)
                    assert_true((claim for claim in said if not (claim.held and trouble.by_somebody_else)), world)
                    if not met():  # on a slow machine the request's budget was spent before
                        converge_due()
                    assert met()
                put_off()
                assert_rows_are_written(world, stem, operation)
                never_again |= {claim for claim in said if not claim.held}
                late += unanswered(world) if trouble.lands_late else []
                written(world.ses)  # fails where a rule without recipients was sent
    if trouble.lands_late:
        # The worst moment: the successors are done, and only the settle time keeps anybody from forgetting it.
        a_while_later()
        Worker().tick()
        for landing in late:
            land(world, landing)
        assert_true(never_again, world)
    world.ses.clear_journal()
    work_until_nothing_is_owed(world)
    written(world.ses)
    assert_in_line(world, tagged=not trouble.untags)
    assert_true(never_again, world)
