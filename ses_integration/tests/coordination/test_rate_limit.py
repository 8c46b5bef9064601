from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from ses_integration.conf import ses_config
from ses_integration.coordination.rate_limit import claim_slot, rate_limited
from ses_integration.errors import Unsent
from ses_integration.models import RateLimit

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def one_call_in_a_thousand_seconds(settings):
    settings.SES_CALLS_PER_SECOND = 0.001


def test_first_call_goes_at_once_and_the_next_one_waits():
    assert claim_slot(ses_config()) == 0.0
    assert 990 < claim_slot(ses_config()) < 1001


def test_unused_slots_are_not_saved_up():
    assert claim_slot(ses_config()) == 0.0
    RateLimit.objects.update(next_slot=timezone.now() - timedelta(days=1))
    assert claim_slot(ses_config()) == 0.0
    assert claim_slot(ses_config()) > 990


def test_a_slot_that_a_wrong_clock_has_written_far_ahead_is_free():
    assert claim_slot(ses_config()) == 0.0
    RateLimit.objects.update(next_slot=timezone.now() + timedelta(days=1))
    assert claim_slot(ses_config()) == 0.0
    assert 990 < claim_slot(ses_config()) < 1001


def test_without_a_limit_no_statement_is_needed(settings, django_assert_num_queries):
    settings.SES_CALLS_PER_SECOND = 0
    with django_assert_num_queries(0):
        assert claim_slot(ses_config()) == 0.0


def test_call_that_would_wait_too_long_is_not_sent(monkeypatch):
    monkeypatch.setattr("ses_integration.coordination.rate_limit.MAX_WAIT_SECONDS", 0.1)
    with rate_limited(ses_config()):
        pass
    with pytest.raises(Unsent), rate_limited(ses_config()):
        pass
