"""Everything that can happen, in any order: whatever was promised holds, and at rest SES equals the rows."""

from __future__ import annotations

import logging

import pytest
from django.conf import settings as django_settings
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from inbound.tests.life.outsiders import Outsiders
from inbound.tests.life.weather import Weather
from inbound.tests.life.world import Complaints, step

pytestmark = pytest.mark.hypothesis


class LifeOfSes(Outsiders, Weather):
    @step(landing=st.booleans())
    def it_comes_to_rest(self, landing: bool) -> None:
        if landing:
            for call in self.late:
                self.undisturbed(call.land, self.ses)
        self.come_to_rest()


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
    count = max(1, hypothesis_settings().max_examples // 5)
    profile = hypothesis_settings(max_examples=count, suppress_health_check=list(HealthCheck))
    try:
        run_state_machine_as_test(lambda: LifeOfSes(aws, changing_settings, complaints), settings=profile)
    except Exception as error:
        error.add_note("\n".join(["The first time, before it was made smaller:", *complaints.first_failure]))
        raise
