"""When a delivery is attempted again, and when an endpoint that fails is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.delivery.schedule import LONGEST_GATE_PAUSE, MOST_RETRY_AFTER, gate_pause, next_pause, wanted_pause

pytestmark = [pytest.mark.sqlite_only]

PAUSES = (5.0, 300.0, 1800.0)
chances = st.floats(0, 1)
pauses = st.lists(st.floats(0, 100_000), min_size=1, max_size=12)


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 5.0), (2, 300.0), (3, 1800.0), (4, None)])
def test_each_pause_comes_once_and_then_it_is_over(attempt: int, seconds: float | None) -> None:
    assert next_pause(attempt, PAUSES, chance=0.5) == seconds


def test_pauses_vary_by_a_fifth() -> None:
    assert next_pause(2, PAUSES, chance=0.0) == pytest.approx(240.0)
    assert next_pause(2, PAUSES, chance=1.0) == pytest.approx(360.0)


@given(pauses=pauses, retries=st.integers(0, 10), chance=chances)
def test_as_many_retries_as_the_endpoint_asks_for(pauses: list[float], retries: int, chance: float) -> None:
    waits = [next_pause(attempt, pauses, chance=chance, retries=retries) for attempt in range(1, retries + 3)]
    assert [wait is not None for wait in waits] == [True] * retries + [False] * 2


@given(pauses=pauses, chance=chances, retry_after=st.floats(0, 3600))
def test_never_earlier_than_the_receiver_asks(pauses: list[float], chance: float, retry_after: float) -> None:
    wait = next_pause(1, pauses, chance=chance, retry_after=retry_after)
    assert wait is not None
    assert max(0.79 * pauses[0], retry_after) <= wait <= max(1.21 * pauses[0], retry_after)


def test_without_pauses_there_is_one_attempt() -> None:
    assert next_pause(1, (), chance=0.5) is None
    assert next_pause(1, (), chance=0.5, retries=3) is None


@pytest.mark.parametrize(
    ("status", "asked", "seconds"),
    [
        (429, 60.0, 60.0),
        (503, 60.0, 60.0),
        (500, 60.0, 0.0),
        (429, None, 0.0),
        (429, -5.0, 0.0),
        (429, 90_000.0, 3600.0),
    ],
)
def test_retry_after_counts_with_429_and_503_and_for_an_hour(status: int, asked: float | None, seconds: float) -> None:
    assert wanted_pause(status, asked) == seconds
    assert MOST_RETRY_AFTER == 3600.0


def test_the_gate_closes_with_the_fifth_failure_for_longer_each_time() -> None:
    assert [gate_pause(failures, PAUSES) for failures in range(4, 12)] == [
        0.0,
        5.0,
        10.0,
        20.0,
        40.0,
        80.0,
        160.0,
        300.0,
    ]


@given(failures=st.integers(0, 2**31), pauses=pauses)
def test_the_gate_never_closes_for_longer_than_five_minutes(failures: int, pauses: list[float]) -> None:
    assert 0.0 <= gate_pause(failures, pauses) <= LONGEST_GATE_PAUSE


@pytest.mark.parametrize(("pauses", "longest"), [((1.0, 2.0), 5.0), ((1.0, 30.0), 30.0), ((), 300.0)])
def test_the_gate_of_a_short_schedule_closes_for_a_short_time(pauses: tuple[float, ...], longest: float) -> None:
    assert gate_pause(1000, pauses) == longest
