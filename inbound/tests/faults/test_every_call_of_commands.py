"""Each trouble at every AWS call of each command that puts right what others have done; when it is over, what has rows is
equal without another request, and a second run of the command finishes the rest.

As in `test_every_call`, the cases of a trouble share one installation, and each has a domain of its own.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from django.test import override_settings

from inbound.tests.aws import recipients_sent
from inbound.tests.faults.checks import (
    a_while_later,
    assert_in_line,
    assert_received,
    impatience,
    put_off,
    theirs,
    work_until_nothing_is_owed,
)
from inbound.tests.faults.chores import CHORES, Chore
from inbound.tests.faults.troubles import TROUBLES, Trouble, in_flight, land
from inbound.tests.faults.world import World
from inbound.tests.rotation import Rotation
from inbound.worker import Worker
from ses_integration.models import DomainSync

pytestmark = pytest.mark.sqlite_only

# More failures in a row than a command waits for: the first that it meets is its answer, and not one of a minute later.
FAILED_BEFORE = 20


def begin(world: World, stem: str, chore: Chore) -> None:
    for name, holding in chore.given.items():
        world.add(name.format(stem), holding)
        world.expected[name.format(stem)] = holding
    chore.before(world, stem)
    assert chore.left(world, stem)
    DomainSync.objects.update(attempts=FAILED_BEFORE)
    world.ses.clear_journal()


def test_a_run_without_trouble(world, worker, subtests):
    for chore in CHORES:
        with subtests.test(chore.name):
            begin(world, chore.name, chore)
            code, text = chore.run(chore.name)
            assert code == 0, text
            assert tuple(entry["action"] for entry in world.ses.journal()) == chore.calls
            assert chore.left(world, chore.name) == set()
    assert_received(world)
    work_until_nothing_is_owed(world, worker)
    assert_in_line(world)


def numbers(chore: Chore, trouble: Trouble) -> list[int]:
    """Of the calls that the trouble is for. Somebody else acts before those to SES, which are counted alone.

    To a command any failure of a look is the same: one trouble stands for all, or this would cost minutes.
    """
    calls = chore.sent_to_ses() if trouble.by_somebody_else else chore.calls
    met = range(len(calls) - trouble.goes_on)
    looks = ("Describe", "List")
    return [number for number in met if trouble.at_looks or not calls[number].startswith(looks)]


# A call that lands late was dropped before.
@pytest.mark.parametrize(
    "trouble", [trouble for trouble in TROUBLES if trouble.name != "dropped"], ids=lambda trouble: trouble.name
)
def test_at_every_call(world, looking_worker, subtests, trouble: Trouble, rotation: Rotation):
    every = [(chore, number, f"{chore.name}-{number}") for chore in CHORES for number in numbers(chore, trouble)]
    cases = [case for position, case in enumerate(every, TROUBLES.index(trouble)) if rotation.takes(position)]
    late = []
    for chore, number, stem in cases:
        with subtests.test(f"{chore.name}, call {number}"):
            begin(world, stem, chore)
            others = theirs(world)
            # It serves nobody else.
            with trouble.at(world, stem, number) as met, override_settings(SES_REQUEST_BUDGET=0):
                code, text = chore.run(stem)
                assert met()
                assert code in (0, 1, 2)
                if code:
                    assert trouble.sentence in text
                elif not trouble.by_somebody_else:
                    assert chore.left(world, stem) == set()
                    assert_received(world, *(name.format(stem) for name in chore.given))
                assert trouble.by_somebody_else or theirs(world) == others
            put_off()
            recipients_sent(world.ses)  # fails where a rule without recipients was sent
            late += in_flight(world) if trouble.lands_late else []
    others = theirs(world)
    world.ses.clear_journal()
    if trouble.lands_late:
        undo(world, looking_worker, cases)
        for call in late:
            land(world, call)
    # What was done to the rows' rules is put right without the command; the rest is nobody's but the command's.
    work_until_nothing_is_owed(world, looking_worker)
    assert_received(world)
    for chore, number, stem in cases:
        with subtests.test(f"{chore.name}, after call {number}"):
            if chore.left(world, stem):
                code, text = chore.run(stem)
                assert code == 0, text
            assert chore.left(world, stem) == set()
    recipients_sent(world.ses)
    assert_in_line(world, tagged=not trouble.untags)
    assert theirs(world) == others


def undo(world: World, worker: Worker, cases: Iterable[tuple[Chore, int, str]]) -> None:
    """The calls have been repeated, and then people want something else: now their landing does most harm."""
    a_while_later()
    worker.tick()
    for chore, _, stem in cases:
        if chore.undo and chore.undone:
            with impatience():
                chore.undo(world, stem)
            world.expected |= {name.format(stem): holding for name, holding in chore.undone.items()}
    a_while_later()
    worker.tick()
