"""Operations without trouble, and with one at every SES call of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import override_settings

from domains.models import DomainDeletion
from inbound.tests.aws import calls, recipients_sent
from inbound.tests.faults.checks import (
    a_while_later,
    assert_in_line,
    assert_true,
    impatience,
    put_off,
    work_until_nothing_is_owed,
)
from inbound.tests.faults.operations import Claims, Operation
from inbound.tests.faults.troubles import TROUBLES, Trouble, in_flight, land
from inbound.tests.faults.world import Holding, World, rows
from inbound.tests.rotation import Rotation
from inbound.worker import Worker
from ses_integration.reconcile.loop import reconcile_due

ALL = Rotation(None)


def begin(world: World, stem: str, operation: Operation) -> None:
    """Everything is as it is before the operation, and the journal is empty."""
    with override_settings(SES_MAX_RECIPIENTS_PER_RULE=operation.limit):
        for name, holding in operation.given.items():
            world.add(name.format(stem), holding)
    operation.before(world, stem)
    world.ses.clear_journal()


def assert_written(world: World, stem: str, operation: Operation, holdings: Mapping[str, Holding]) -> None:
    """All that a request changes in the database, whatever SES does, and nothing by halves; this is how it is to stay."""
    names = {name.format(stem) for name in (*operation.given, *operation.then)}
    expected = {name.format(stem): holding for name, holding in holdings.items()}
    assert {name: found for name, found in rows().items() if name in names} == {
        name: holding.rows(name) for name, holding in expected.items()
    }
    world.expected = {name: kept for name, kept in world.expected.items() if name not in names} | expected


def run_without_trouble(
    world: World, worker: Worker, subtests: pytest.Subtests, operations: Sequence[Operation]
) -> None:
    """The calls and claims that stand with each operation are those that it makes."""
    for operation in operations:
        with subtests.test(operation.name):
            begin(world, operation.name, operation)
            said = operation.act(world, operation.name)
            assert tuple(calls(world.ses)) == operation.calls
            assert said == {claim.about(operation.name) for claim in operation.claims}
            assert_true(said, world)
            assert_written(world, operation.name, operation, operation.then)
            assert DomainDeletion.objects.filter(name=f"{operation.name}.org").count() == operation.deletions
    work_until_nothing_is_owed(world, worker)
    assert_in_line(world)


@dataclass
class Met:
    """Cases, each an operation, the number of the call that met trouble, and its stem; what was said to be gone for good;
    and the calls that were not applied, and are to land later."""

    cases: list[tuple[Operation, int, str]] = field(default_factory=list)
    never_again: Claims = field(default_factory=set)
    late: list[dict[str, Any]] = field(default_factory=list)


def meet_at_every_call(
    world: World,
    subtests: pytest.Subtests,
    trouble: Trouble,
    operations: Sequence[Operation],
    rotation: Rotation = ALL,
) -> Met:
    found = Met()
    case = TROUBLES.index(trouble)
    for operation in operations:
        for number in range(len(operation.calls) - trouble.goes_on):
            case += 1
            if not rotation.takes(case):
                continue
            stem = f"{operation.name}-{number}"
            found.cases.append((operation, number, stem))
            with subtests.test(f"{operation.name}, call {number}: {operation.calls[number]}"):
                begin(world, stem, operation)
                with trouble.at(world, stem, number) as met, impatience():
                    said = operation.act(world, stem)
                    assert_true((claim for claim in said if not (claim.held and trouble.by_somebody_else)), world)
                    if not met():  # on a slow machine the request's budget was spent before
                        reconcile_due()
                    assert met()
                put_off()
                assert_written(world, stem, operation, operation.then)
                found.never_again |= {claim for claim in said if not claim.held}
                recipients_sent(world.ses)  # fails where a rule without recipients was sent
                found.late += in_flight(world) if trouble.lands_late else []
    world.ses.clear_journal()
    return found


def end_in_line(
    world: World,
    worker: Worker,
    subtests: pytest.Subtests,
    trouble: Trouble,
    operations: Sequence[Operation],
    rotation: Rotation = ALL,
) -> None:
    """All of it for one trouble; `worker` is who works when it is over: nobody asks for anything again."""
    met = meet_at_every_call(world, subtests, trouble, operations, rotation)
    never_again = met.never_again
    if trouble.lands_late:
        never_again = undo(world, worker, subtests, met.cases)
        for call in met.late:
            land(world, call)
        assert_true(never_again, world)
    work_until_nothing_is_owed(world, worker)
    recipients_sent(world.ses)
    assert_in_line(world, tagged=not trouble.untags)
    assert_true(never_again, world)


def undo(
    world: World, worker: Worker, subtests: pytest.Subtests, cases: Iterable[tuple[Operation, int, str]]
) -> Claims:
    """The calls have been repeated, and then people want the opposite: now their landing does most harm.

    Returns what those people are told is gone.
    """
    a_while_later()
    worker.tick()
    never_again: Claims = set()
    for operation, number, stem in cases:
        with subtests.test(f"{operation.name}, undone before call {number} lands"), impatience():
            said = operation.undo(world, stem)
            assert_true(said, world)
            assert_written(world, stem, operation, operation.undone or operation.given)
            never_again |= {claim for claim in said if not claim.held}
    a_while_later()
    worker.tick()
    return never_again
