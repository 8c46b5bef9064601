"""A state machine of all operations, faults and external changes, in any order (Hypothesis).

After every step the invariants hold, and whenever nothing is pending SES matches the database.
"""

from __future__ import annotations

import logging
import os

import pytest
from django.conf import settings as django_settings
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis.stateful import run_state_machine_as_test

from inbound.tests.life.machine import RunLog
from inbound.tests.life.rules.environment import Environment
from inbound.tests.life.rules.external_changes import ExternalChanges
from inbound.tests.life.rules.received_mail import ReceivedMail
from inbound.tests.life.rules.undo import Undo

pytestmark = [pytest.mark.hypothesis, pytest.mark.sqlite_only, pytest.mark.slow]

# `make statemachine` asks for many steps. They are shared among processes in parts.
STEPS = int(os.environ.get("STATE_MACHINE_STEPS") or 0)
STEPS_PER_PART = 5000


class ReconcileMachine(ExternalChanges, ReceivedMail, Undo, Environment):
    """All rules. Hypothesis chooses every rule equally often, so an important one has two names."""

    delete_address_too = ExternalChanges.delete_address
    switch_activity_too = ExternalChanges.switch_activity
    apply_a_late_call_too = Environment.apply_a_late_call
    advance_a_writer_too = Environment.advance_a_writer


@pytest.fixture
def run_log(caplog):
    caplog.set_level(logging.ERROR)
    handler = RunLog()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def changing_settings(settings):
    """The plain settings: every assignment through pytest-django's fixture adds a wrapper, and there are thousands."""
    settings.SES_AUTO_SETUP = False
    return django_settings


@pytest.mark.parametrize("part", range(max(1, -(-STEPS // STEPS_PER_PART))))
def test_ses_matches_the_database_after_random_operations(
    aws, transactional_db, changing_settings, run_log, record_property, part
):
    profile = hypothesis_settings()
    # One example is many requests, so fewer examples are enough.
    count = profile.max_examples // 8
    if STEPS:
        steps = min(STEPS_PER_PART, STEPS - part * STEPS_PER_PART)
        count = -(-steps // profile.stateful_step_count)
    profile = hypothesis_settings(max_examples=max(1, count), suppress_health_check=list(HealthCheck))
    try:
        run_state_machine_as_test(lambda: ReconcileMachine(aws, changing_settings, run_log), settings=profile)
    except Exception as error:
        error.add_note("\n".join(["The first failure, before Hypothesis shrank it:", *run_log.first_failure]))
        raise
    finally:
        record_property("steps", run_log.steps)
