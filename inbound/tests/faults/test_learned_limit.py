"""SES allows fewer recipients in a rule than configured: faults at the call that shows it, and at the calls that follow."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inbound.tests.faults.cases.actions import ORG, Claim, add_address, delete_address
from inbound.tests.faults.cases.fault_cases import FAULT_CASES
from inbound.tests.faults.cases.operations import CREATE, UPDATE, Operation
from inbound.tests.faults.checks import assert_up_to_date, work_until_idle
from inbound.tests.faults.installation import Installation, Receiving
from inbound.tests.faults.running import inject_at_every_call, run_fault_case, run_without_faults
from inbound.tests.support.aws import recipients_sent
from ses_integration.models import RuleSetState

pytestmark = pytest.mark.sqlite_only

CONFIGURED, TAKEN = 12, 10


def forget_learned_limit(installation: Installation, stem: str) -> None:
    RuleSetState.objects.update(recipients_per_rule=None)


LEARN = Operation(
    "one-too-many",
    given={ORG: Receiving("bcdefghijk")},
    limit=CONFIGURED,
    before=forget_learned_limit,
    act=add_address,
    calls=(UPDATE, UPDATE, CREATE),
    then={ORG: Receiving("bcdefghijk", "a")},
    claims=(Claim("recipient", f"a@{ORG}", held=True),),
    undo=delete_address,
)


@pytest.fixture(autouse=True)
def lower_recipient_limit(installation, settings) -> None:
    settings.SES_MAX_RECIPIENTS_PER_RULE = CONFIGURED
    installation.ses.set_quotas(recipients=TAKEN)


def test_each_operation_makes_the_expected_calls(installation, worker, subtests):
    run_without_faults(installation, worker, subtests, [LEARN])


def test_after_a_fault_at_any_call_the_worker_brings_ses_up_to_date(installation, worker, subtests):
    """In one installation, because the cases are few."""
    for fault_case in FAULT_CASES:
        if not fault_case.external and not fault_case.applied_late:
            inject_at_every_call(installation, subtests, fault_case, [replace(LEARN, name=fault_case.name)])
    work_until_idle(installation, worker)
    recipients_sent(installation.ses)
    assert_up_to_date(installation)


def test_after_a_late_call_the_worker_brings_ses_up_to_date(installation, worker, subtests):
    for fault_case in FAULT_CASES:
        if fault_case.applied_late:
            run_fault_case(installation, worker, subtests, fault_case, [LEARN])
