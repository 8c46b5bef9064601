"""Every fault at every AWS call of the commands that repair what others changed.

Afterwards the worker alone brings the rules of existing rows up to date, and a second run of the command does the rest.
As in `test_every_call`, the cases of one fault share an installation, and each has its own domain.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from django.test import override_settings

from inbound.tests.faults.cases.command_cases import COMMAND_CASES, CommandCase
from inbound.tests.faults.cases.fault_cases import FAULT_CASES, FaultCase, apply_late, unanswered_calls
from inbound.tests.faults.checks import (
    assert_rules_held,
    assert_up_to_date,
    foreign_rules,
    make_everything_due,
    postpone_everything,
    short_budget,
    work_until_idle,
)
from inbound.tests.faults.installation import Installation
from inbound.tests.support.aws import recipients_sent
from inbound.tests.support.rotation import Rotation
from inbound.worker import Worker
from ses_integration.models import DomainSync

pytestmark = pytest.mark.sqlite_only

# So many failures in a row that a command does not wait for a retry: it reports the first failure that it meets.
FAILED_BEFORE = 20


def prepare(installation: Installation, stem: str, command: CommandCase) -> None:
    for name, receiving in command.given.items():
        installation.add(name.format(stem), receiving)
        installation.expected[name.format(stem)] = receiving
    command.before(installation, stem)
    assert command.left(installation, stem)
    DomainSync.objects.update(attempts=FAILED_BEFORE)
    installation.ses.clear_journal()


def test_each_command_makes_the_expected_calls(installation, worker, subtests):
    for command in COMMAND_CASES:
        with subtests.test(command.name):
            prepare(installation, command.name, command)
            code, text = command.run(command.name)
            assert code == 0, text
            assert tuple(entry["action"] for entry in installation.ses.journal()) == command.calls
            assert command.left(installation, command.name) == set()
    assert_rules_held(installation)
    work_until_idle(installation, worker)
    assert_up_to_date(installation)


def numbers(command: CommandCase, fault_case: FaultCase) -> list[int]:
    """The numbers of the calls that get the fault. External changes count SES calls only.

    A command treats all failures of a read alike, so only the faults with `at_reads` are injected there.
    """
    calls = command.sent_to_ses() if fault_case.external else command.calls
    numbers = range(len(calls) - fault_case.persists)
    reads = ("Describe", "List")
    return [number for number in numbers if fault_case.at_reads or not calls[number].startswith(reads)]


# "late" includes "dropped": a call that is applied late was dropped first.
@pytest.mark.parametrize(
    "fault_case", [case for case in FAULT_CASES if case.name != "dropped"], ids=lambda case: case.name
)
def test_after_a_fault_at_any_call_the_worker_and_a_second_run_repair_ses(
    installation, sweeping_worker, subtests, fault_case: FaultCase, rotation: Rotation
):
    every = [(command, number) for command in COMMAND_CASES for number in numbers(command, fault_case)]
    cases = [
        (command, number, f"{command.name}-{number}")
        for position, (command, number) in enumerate(every, start=FAULT_CASES.index(fault_case))
        if rotation.takes(position)
    ]
    late = []
    for command, number, stem in cases:
        with subtests.test(f"{command.name}, call {number}"):
            prepare(installation, stem, command)
            others = foreign_rules(installation)
            # With this budget the command reconciles no other domain.
            with fault_case.inject(installation, stem, number) as injected, override_settings(SES_REQUEST_BUDGET=0):
                code, text = command.run(stem)
                assert injected()
                assert code in (0, 1, 2)
                if code:
                    assert fault_case.sentence in text
                elif not fault_case.external:
                    assert command.left(installation, stem) == set()
                    assert_rules_held(installation, *(name.format(stem) for name in command.given))
                assert fault_case.external or foreign_rules(installation) == others
            postpone_everything()
            recipients_sent(installation.ses)  # fails if a rule without recipients was sent
            late += unanswered_calls(installation) if fault_case.applied_late else []
    others = foreign_rules(installation)
    installation.ses.clear_journal()
    if fault_case.applied_late:
        undo(installation, sweeping_worker, cases)
        for call in late:
            apply_late(installation, call)
    # The worker repairs the rules of existing rows. Only the command repairs the rest.
    work_until_idle(installation, sweeping_worker)
    assert_rules_held(installation)
    for command, number, stem in cases:
        with subtests.test(f"{command.name}, after call {number}"):
            if command.left(installation, stem):
                code, text = command.run(stem)
                assert code == 0, text
            assert command.left(installation, stem) == set()
    recipients_sent(installation.ses)
    assert_up_to_date(installation, tagged=not fault_case.loses_tags)
    assert foreign_rules(installation) == others


def undo(installation: Installation, worker: Worker, cases: Iterable[tuple[CommandCase, int, str]]) -> None:
    """Undo every operation after its call was repeated: now the late call does most harm."""
    make_everything_due()
    worker.tick()
    for command, _, stem in cases:
        if command.undo and command.undone:
            with short_budget():
                command.undo(installation, stem)
            installation.expected |= {name.format(stem): receiving for name, receiving in command.undone.items()}
    make_everything_due()
    worker.tick()
