"""Run operations without faults, and with a fault at each of their SES calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import override_settings

from domains.models import DomainDeletion
from inbound.tests.faults.cases.actions import Claims
from inbound.tests.faults.cases.fault_cases import FAULT_CASES, FaultCase, apply_late, unanswered_calls
from inbound.tests.faults.cases.operations import Operation
from inbound.tests.faults.checks import (
    assert_claims_hold,
    assert_up_to_date,
    make_everything_due,
    postpone_everything,
    short_budget,
    work_until_idle,
)
from inbound.tests.faults.installation import Installation, Receiving, rows
from inbound.tests.support.aws import calls, recipients_sent
from inbound.tests.support.rotation import Rotation
from inbound.worker import Worker
from ses_integration.reconcile.loop import reconcile_due

ALL = Rotation(None)


def prepare(installation: Installation, stem: str, operation: Operation) -> None:
    """Create what an operation starts from, and clear the journal."""
    with override_settings(SES_MAX_RECIPIENTS_PER_RULE=operation.limit):
        for name, receiving in operation.given.items():
            installation.add(name.format(stem), receiving)
    operation.before(installation, stem)
    installation.ses.clear_journal()


def assert_rows(
    installation: Installation, stem: str, operation: Operation, receiving_by_name: Mapping[str, Receiving]
) -> None:
    """The rows are as `receiving_by_name` says, and stay so: requests change all their rows, whatever SES does."""
    names = {name.format(stem) for name in (*operation.given, *operation.then)}
    expected = {name.format(stem): receiving for name, receiving in receiving_by_name.items()}
    assert {name: found for name, found in rows().items() if name in names} == {
        name: receiving.rows(name) for name, receiving in expected.items()
    }
    installation.expected = {name: kept for name, kept in installation.expected.items() if name not in names} | expected


def run_without_faults(
    installation: Installation, worker: Worker, subtests: pytest.Subtests, operations: Sequence[Operation]
) -> None:
    """Each operation makes the calls and the claims that its table entry lists."""
    for operation in operations:
        with subtests.test(operation.name):
            prepare(installation, operation.name, operation)
            claims = operation.act(installation, operation.name)
            assert tuple(calls(installation.ses)) == operation.calls
            assert claims == {claim.about(operation.name) for claim in operation.claims}
            assert_claims_hold(claims, installation)
            assert_rows(installation, operation.name, operation, operation.then)
            assert DomainDeletion.objects.filter(name=f"{operation.name}.org").count() == operation.deletions
    work_until_idle(installation, worker)
    assert_up_to_date(installation)


@dataclass
class FaultRun:
    """What a run has done so far."""

    # The operation, the number of the call that met the fault, and the stem of its names.
    cases: list[tuple[Operation, int, str]] = field(default_factory=list)
    # What answers claimed to be gone for good.
    promised_gone: Claims = field(default_factory=set)
    # Calls that were not applied, and that `apply_late` applies at the end.
    late: list[dict[str, Any]] = field(default_factory=list)


def inject_at_every_call(
    installation: Installation,
    subtests: pytest.Subtests,
    fault_case: FaultCase,
    operations: Sequence[Operation],
    rotation: Rotation = ALL,
) -> FaultRun:
    """Run each operation once for each of its calls, with the fault at that call."""
    found = FaultRun()
    case = FAULT_CASES.index(fault_case)
    for operation in operations:
        for number in range(len(operation.calls) - fault_case.persists):
            case += 1
            if not rotation.takes(case):
                continue
            stem = f"{operation.name}-{number}"
            found.cases.append((operation, number, stem))
            with subtests.test(f"{operation.name}, call {number}: {operation.calls[number]}"):
                prepare(installation, stem, operation)
                with fault_case.inject(installation, stem, number) as injected, short_budget():
                    claims = operation.act(installation, stem)
                    assert_claims_hold(
                        (claim for claim in claims if not (claim.held and fault_case.external)), installation
                    )
                    if not injected():  # the budget ran out before that call, on a slow machine
                        reconcile_due()
                    assert injected()
                postpone_everything()
                assert_rows(installation, stem, operation, operation.then)
                found.promised_gone |= {claim for claim in claims if not claim.held}
                recipients_sent(installation.ses)  # fails if a rule without recipients was sent
                found.late += unanswered_calls(installation) if fault_case.applied_late else []
    installation.ses.clear_journal()
    return found


def run_fault_case(
    installation: Installation,
    worker: Worker,
    subtests: pytest.Subtests,
    fault_case: FaultCase,
    operations: Sequence[Operation],
    rotation: Rotation = ALL,
) -> None:
    """Inject the fault, then let `worker` finish without another request, and check the result."""
    run = inject_at_every_call(installation, subtests, fault_case, operations, rotation)
    promised_gone = run.promised_gone
    if fault_case.applied_late:
        promised_gone = undo(installation, worker, subtests, run.cases)
        for call in run.late:
            apply_late(installation, call)
        assert_claims_hold(promised_gone, installation)
    work_until_idle(installation, worker)
    recipients_sent(installation.ses)
    assert_up_to_date(installation, tagged=not fault_case.loses_tags)
    assert_claims_hold(promised_gone, installation)


def undo(
    installation: Installation, worker: Worker, subtests: pytest.Subtests, cases: Iterable[tuple[Operation, int, str]]
) -> Claims:
    """Undo every operation after its call was repeated: now the late call does most harm.

    Returns the claims that something is gone.
    """
    make_everything_due()
    worker.tick()
    promised_gone: Claims = set()
    for operation, number, stem in cases:
        with subtests.test(f"{operation.name}, undone before call {number} is applied"), short_budget():
            claims = operation.undo(installation, stem)
            assert_claims_hold(claims, installation)
            undone = operation.given if operation.undone is None else operation.undone
            assert_rows(installation, stem, operation, undone)
            promised_gone |= {claim for claim in claims if not claim.held}
    make_everything_due()
    worker.tick()
    return promised_gone
