"""The account's rate and daily quota are kept by all processes together, and SES is asked for them now and then."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from ses_integration.conf import ses_config
from ses_integration.errors import SendingHalted
from ses_integration.models import SendingLimit
from ses_integration.sending import slots
from ses_integration.sending.slots import sending_slot, slow_down

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def nothing_seen(monkeypatch):
    monkeypatch.setattr(slots, "_rates", {})


def asked(aws: Any) -> int:
    return [entry["action"] for entry in aws.journal()].count("GetAccount")


def change(**columns: Any) -> None:
    SendingLimit.objects.update(**columns)


def ago(seconds: float) -> Any:
    return timezone.now() - timedelta(seconds=seconds)


def test_the_first_slot_asks_ses_and_is_free(ses):
    ses.limit_sending(perSecond=0.01)
    assert sending_slot() == 0.0
    assert asked(ses) == 1
    assert 95 < sending_slot() < 101
    row = SendingLimit.objects.get()
    assert (row.region, row.per_second, row.sent) == ("eu-west-1", 0.01, 1)


def test_a_claim_is_one_statement(ses, django_assert_num_queries):
    sending_slot()
    change(next_slot=ago(1))
    with django_assert_num_queries(1):
        assert sending_slot() == 0.0


def test_unused_slots_are_not_saved_up(ses):
    ses.limit_sending(perSecond=0.01)
    sending_slot()
    change(next_slot=ago(86_400))
    assert sending_slot() == 0.0
    assert sending_slot() > 95


@pytest.mark.parametrize("column", ["next_slot", "ask_at"])
def test_times_that_a_wrong_clock_has_written_far_ahead_hold_up_nothing(ses, column):
    assert sending_slot() == 0.0
    change(next_slot=ago(1))
    change(**{column: ago(-86400)})
    change(per_day=1, sent=1)
    assert sending_slot() == 0.0
    assert asked(ses) == 2


def test_a_rate_that_another_process_has_recorded_counts_at_once(ses):
    sending_slot()
    change(per_second=0.01, next_slot=ago(1))
    assert sending_slot() == 0.0
    assert sending_slot() > 95


def test_without_a_rate_there_is_no_waiting(ses):
    sending_slot()
    change(per_second=0, next_slot=ago(1))
    assert [sending_slot() for _ in range(20)] == [0.0] * 20


def test_the_limits_are_asked_for_again_after_five_minutes_and_by_one_process(ses):
    sending_slot()
    row = SendingLimit.objects.get()
    assert timedelta(minutes=4) < row.ask_at - timezone.now() <= slots.ASK_EVERY
    ses.limit_sending(perSecond=0.01)
    change(ask_at=ago(1), next_slot=ago(1))
    assert sending_slot() == 0.0
    assert sending_slot() > 95
    assert asked(ses) == 2


def test_a_used_up_day_halts_and_says_when_to_try_again(ses):
    ses.limit_sending(perDay=2)
    sending_slot()
    change(sent=2, next_slot=ago(1))
    with pytest.raises(SendingHalted) as error:
        sending_slot()
    assert 240 < error.value.retry_after <= 300
    # SES has forgotten one of them.
    change(ask_at=ago(1))
    assert sending_slot() == 0.0


def test_mails_are_counted_until_ses_counts_them(ses):
    ses.limit_sending(perDay=3, perSecond=None)
    sending_slot()
    change(per_second=0, next_slot=ago(1))
    assert (sending_slot(), sending_slot()) == (0.0, 0.0)
    with pytest.raises(SendingHalted):
        sending_slot()


@pytest.mark.parametrize("fault", ["access_denied", "throttle", "fail"])
def test_if_ses_does_not_say_the_limits_of_the_sandbox_hold(ses, fault):
    ses.add_faults({"action": "GetAccount", "fault": fault, "times": None})
    assert sending_slot() == 0.0
    assert 0.5 < sending_slot() < 1.1
    assert asked(ses) == 1
    assert SendingLimit.objects.get().per_second == slots.FIRST_RATE


def test_asking_is_a_control_call(ses, settings):
    settings.SES_CALLS_PER_SECOND = 0.001
    sending_slot()
    change(ask_at=ago(1), next_slot=ago(1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ses_integration.coordination.rate_limit.MAX_WAIT_SECONDS", 0.1)
        assert sending_slot() == 0.0
    assert asked(ses) == 1


def test_refusals_make_ses_be_asked_at_most_every_half_minute(ses):
    sending_slot()
    slow_down(ses_config())
    assert SendingLimit.objects.get().ask_at > timezone.now()
    change(ask_at=timezone.now() + timedelta(minutes=4))
    slow_down(ses_config())
    assert sending_slot() > 0.8
    assert asked(ses) == 2


@pytest.mark.postgresql
def test_many_threads_get_one_slot(ses):
    ses.limit_sending(perSecond=0.01)
    sending_slot()
    change(next_slot=ago(1))

    def claim(_: int) -> float:
        try:
            return sending_slot()
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(claim, range(32))).count(0.0) == 1
    assert SendingLimit.objects.get().sent == 2
