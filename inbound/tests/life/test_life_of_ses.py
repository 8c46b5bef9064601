"""Everything that can happen, in any order: whatever was promised holds, and at rest SES equals the rows."""

from __future__ import annotations

import logging

import pytest
from django.conf import settings as django_settings
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis.stateful import run_state_machine_as_test

from inbound.tests.life.outsiders import Outsiders
from inbound.tests.life.weather import Weather
from inbound.tests.life.world import Complaints

pytestmark = [pytest.mark.hypothesis, pytest.mark.sqlite_only]


class LifeOfSes(Outsiders, Weather):
    """All of it. Hypothesis takes every rule as often as any other; under a second name a rule counts twice."""

    delete_address_too = Outsiders.delete_address
    flip_activity_too = Outsiders.flip_activity
    a_late_call_lands_too = Weather.a_late_call_lands
    a_writer_goes_on_too = Weather.a_writer_goes_on


@pytest.fixture
def complaints(caplog):
    caplog.set_level(logging.ERROR)
    handler = Complaints()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def changing_settings(settings):
    """Each assignment to pytest-django's fixture wraps the settings once more, which thousands of steps do not bear."""
    settings.SES_AUTO_SETUP = False
    return django_settings


def test_whatever_happens_ses_follows_the_rows(aws, transactional_db, changing_settings, complaints):
    # An example is many requests, so there are fewer of them.
    count = max(1, hypothesis_settings().max_examples // 8)
    profile = hypothesis_settings(max_examples=count, suppress_health_check=list(HealthCheck))
    try:
        run_state_machine_as_test(lambda: LifeOfSes(aws, changing_settings, complaints), settings=profile)
    except Exception as error:
        error.add_note("\n".join(["The first time, before it was made smaller:", *complaints.first_failure]))
        raise
