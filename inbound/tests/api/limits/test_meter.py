"""Processes that share a limit keep it, without a statement for each request."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbound.api.limits import meter
from inbound.api.limits.meter import Meter
from inbound.models import ApiKey, KeyRequests, add_requests, issue_key


@dataclass
class Clock:
    now: float = 6_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def key(user) -> ApiKey:
    return issue_key(owner=user, name="Limited")[0]


@pytest.mark.django_db
@pytest.mark.sqlite
def test_requests_of_all_processes_are_added_in_the_keys_row(key):
    assert add_requests(key.pk, 100, 3)[0] == 3
    assert add_requests(key.pk, 100, 4)[0] == 7
    assert add_requests(key.pk, 101, 1)[0] == 1
    # Of a process whose clock is behind.
    assert add_requests(key.pk, 100, 9)[0] == 0
    assert add_requests(key.pk, 101, 1)[0] == 2
    assert KeyRequests.objects.get().minute == 101
    # The clock of the others was wrong.
    assert add_requests(key.pk, 50, 2)[0] == 2
    assert add_requests(key.pk, 50, 2)[0] == 4


@pytest.mark.django_db
@pytest.mark.sqlite
def test_a_clock_that_is_set_back_does_not_lock_the_key_until_it_is_there_again(key):
    clock = Clock()
    meter = Meter(clock, follows_database=False)
    assert [meter.take(key.pk, 1).remaining for _ in range(2)] == [0, None]
    clock.now -= 3600
    assert [meter.take(key.pk, 1).remaining for _ in range(2)] == [0, None]
    clock.now -= 30
    assert meter.take(key.pk, 1).remaining is None


@pytest.mark.django_db
@pytest.mark.sqlite
def test_a_process_writes_at_most_once_a_second(key, django_assert_num_queries):
    clock = Clock()
    process = Meter(clock, follows_database=False)
    with django_assert_num_queries(1):
        assert [process.take(key.pk, 5).remaining for _ in range(3)] == [4, 3, 2]
    clock.now += 1
    with django_assert_num_queries(1):
        assert process.take(key.pk, 5).remaining == 1
        assert process.take(key.pk, 5).remaining == 0
    with django_assert_num_queries(0):
        assert process.take(key.pk, 5).remaining is None


@pytest.mark.django_db
def test_a_new_minute_starts_anew_and_a_refused_request_does_not_count(key):
    clock = Clock()
    process = Meter(clock, follows_database=False)
    taken = [process.take(key.pk, 2) for _ in range(4)]
    assert [it.remaining for it in taken] == [1, 0, None, None]
    assert {it.reset_seconds for it in taken} == {60}
    clock.now += 59.5
    assert process.take(key.pk, 2).reset_seconds == 1
    clock.now += 0.5
    assert process.take(key.pk, 2).remaining == 1


@pytest.mark.django_db
@pytest.mark.postgresql
def test_processes_whose_clocks_are_minutes_apart_count_in_the_minute_of_the_database(key):
    now = 60 * (time.time() // 60) + 30
    clocks = [Clock(now - 600), Clock(now), Clock(now + 600)]
    processes = [Meter(clock) for clock in clocks]
    passed = 0
    for _ in range(10):
        for clock, process in zip(clocks, processes, strict=True):
            passed += process.take(key.pk, 5).remaining is not None
            clock.now += 1.1
    # One more for each that has to learn the time first, and a new minute that may begin.
    assert passed <= 2 * 5 + len(processes)


class Rows:
    """What `add_requests` does, in memory."""

    def __init__(self) -> None:
        self.totals: dict[tuple[int, int], int] = {}

    def add(self, key_id: int, minute: int, requests: int) -> tuple[int, None]:
        self.totals[key_id, minute] = self.totals.get((key_id, minute), 0) + requests
        return self.totals[key_id, minute], None


@given(
    limit=st.integers(1, 40),
    steps=st.lists(st.tuples(st.integers(0, 2), st.sampled_from([0.0, 0.1, 0.5, 1.1])), max_size=150),
)
def test_processes_pass_a_limit_by_at_most_what_each_gets_in_a_second(limit, steps):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(meter, "add_requests", Rows().add)
        clock = Clock()
        processes = [Meter(clock, follows_database=False) for _ in range(3)]
        passed: list[tuple[float, int]] = []
        for process, pause in steps:
            clock.now += pause
            if processes[process].take(1, limit).remaining is not None:
                passed.append((clock.now, process))
        for minute in {int(at // 60) for at, _ in passed}:
            of_minute = [it for it in passed if int(it[0] // 60) == minute]
            in_a_second = [
                max(
                    sum(at <= other <= at + 1 for other, it in of_minute if it == process)
                    for at, by in of_minute
                    if by == process
                )
                for process in {by for _, by in of_minute}
            ]
            assert len(of_minute) <= limit + sum(in_a_second)
            alone = {by for _, by in of_minute}
            assert len(alone) > 1 or len(of_minute) <= limit
