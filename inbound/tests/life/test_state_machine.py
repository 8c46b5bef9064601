"""A state machine of all operations, faults and external changes, in any order (Hypothesis).

After every step the invariants hold, and whenever nothing is pending SES matches the database.
"""

from __future__ import annotations

import logging

import pytest
from django.conf import settings as django_settings
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis.stateful import run_state_machine_as_test

from inbound.tests.life.environment import Environment
from inbound.tests.life.external_changes import ExternalChanges
from inbound.tests.life.machine import ErrorLog

pytestmark = [pytest.mark.hypothesis, pytest.mark.sqlite_only, pytest.mark.slow]


class ReconcileMachine(ExternalChanges, Environment):
    """All rules. Hypothesis chooses every rule equally often, so an important one has two names."""

    delete_address_too = ExternalChanges.delete_address
    switch_activity_too = ExternalChanges.switch_activity
    apply_a_late_call_too = Environment.apply_a_late_call
    advance_a_writer_too = Environment.advance_a_writer


@pytest.fixture
def error_log(caplog):
    caplog.set_level(logging.ERROR)
    handler = ErrorLog()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def changing_settings(settings):
    """The plain settings: every assignment through pytest-django's fixture adds a wrapper, and there are thousands."""
    settings.SES_AUTO_SETUP = False
    return django_settings


def test_ses_matches_the_database_after_random_operations(aws, transactional_db, changing_settings, error_log):
    # One example is many requests, so fewer examples are enough.
    count = max(1, hypothesis_settings().max_examples // 8)
    profile = hypothesis_settings(max_examples=count, suppress_health_check=list(HealthCheck))
    try:
        run_state_machine_as_test(lambda: ReconcileMachine(aws, changing_settings, error_log), settings=profile)
    except Exception as error:
        error.add_note("\n".join(["The first failure, before Hypothesis shrank it:", *error_log.first_failure]))
        raise
