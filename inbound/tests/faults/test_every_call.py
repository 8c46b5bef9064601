"""Every fault at every SES call of every operation; afterwards the worker alone brings SES up to date.

The cases of one fault share an installation, because one for each case would take minutes. Each case has its own domain,
named after the case, so that a failed comparison shows which case it belongs to.
"""

from __future__ import annotations

import pytest

from inbound.tests.faults.cases.fault_cases import FAULT_CASES, FaultCase
from inbound.tests.faults.cases.operations import OPERATIONS
from inbound.tests.faults.cases.undo import UNDO
from inbound.tests.faults.running import run_fault_case, run_without_faults
from inbound.tests.support.rotation import Rotation

pytestmark = pytest.mark.sqlite_only

EVERY_OPERATION = [*OPERATIONS, *UNDO]


def test_each_operation_makes_the_expected_calls(installation, worker, subtests):
    run_without_faults(installation, worker, subtests, EVERY_OPERATION)


@pytest.mark.parametrize("fault_case", FAULT_CASES, ids=lambda case: case.name)
def test_after_a_fault_at_any_call_the_worker_brings_ses_up_to_date(
    installation, worker, sweeping_worker, subtests, fault_case: FaultCase, rotation: Rotation
):
    worker = sweeping_worker if fault_case.external else worker
    run_fault_case(installation, worker, subtests, fault_case, EVERY_OPERATION, rotation)
