"""Each trouble at every SES call of every operation; when it is over, SES and the rows are one without another request.

The cases of a trouble are generated: operation by operation and call by call, as the emulator has seen the calls of a run
without trouble. Each has a domain of its own, named after it, so that what is wrong in the end says where it comes from.
The worker serves them all at once: an installation for each case would cost minutes.
"""

from __future__ import annotations

import pytest

from inbound.tests.faults.operations import OPERATIONS
from inbound.tests.faults.running import end_in_line, run_without_trouble
from inbound.tests.faults.troubles import TROUBLES, Trouble
from inbound.tests.rotation import Rotation

pytestmark = pytest.mark.sqlite_only


def test_a_run_without_trouble(world, worker, subtests):
    run_without_trouble(world, worker, subtests, OPERATIONS)


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.name)
def test_at_every_call(world, worker, looking_worker, subtests, trouble: Trouble, rotation: Rotation):
    worker = looking_worker if trouble.by_somebody_else else worker
    end_in_line(world, worker, subtests, trouble, OPERATIONS, rotation)
