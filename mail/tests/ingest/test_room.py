"""Large mail goes one by one, in its order, while small mail passes it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.ingest.ingest import Outcome, ingest
from mail.ingest.room import MEGABYTE, SMALL, Room
from mail.models import ClaimedMessage, Message
from mail.tests.ingest.conftest import claim_now

pytestmark = pytest.mark.sqlite_only


def claim(pk: int) -> ClaimedMessage:
    return ClaimedMessage(pk, 1, "bucket", "key", datetime(2026, 11, 26, tzinfo=UTC))


def test_two_mails_of_40_mb_go_one_after_the_other() -> None:
    room, first, second = Room(8), claim(1), claim(2)
    assert room.take(first, 40 * MEGABYTE)
    assert not room.take(second, 40 * MEGABYTE)
    assert room.next_in_line() is None
    room.give(first)
    assert room.next_in_line() == second
    # It has its room already.
    assert room.take(second, 40 * MEGABYTE)


def test_small_mail_passes() -> None:
    room = Room(1)
    assert room.take(claim(1), 40 * MEGABYTE)
    assert all(room.take(claim(pk), SMALL) for pk in range(2, 100))


def test_one_of_several_threads_is_left_to_small_mail() -> None:
    room = Room(3)
    assert [room.take(claim(pk), MEGABYTE) for pk in range(3)] == [True, True, False]


def test_mail_that_waits_is_not_overtaken_by_other_large_mail() -> None:
    room = Room(8)
    assert room.take(claim(1), 40 * MEGABYTE)
    assert not room.take(claim(2), 40 * MEGABYTE)
    assert not room.take(claim(3), MEGABYTE)
    room.give(claim(1))
    assert [room.next_in_line(), room.next_in_line()] == [claim(2), claim(3)]


def test_a_mail_that_is_larger_than_all_room_goes_alone() -> None:
    room = Room(8, megabytes=1)
    assert room.take(claim(1), 40 * MEGABYTE)
    assert not room.take(claim(2), MEGABYTE)


def test_what_waits_at_the_end_is_left_to_others() -> None:
    room = Room(1)
    room.take(claim(1), MEGABYTE)
    room.take(claim(2), MEGABYTE)
    assert room.leave() == [claim(2)]
    assert room.leave() == []


@given(st.lists(st.tuples(st.integers(1, 45), st.booleans()), max_size=60), st.integers(1, 5))
def test_nobody_waits_for_ever_and_there_is_never_too_much_in_hand(mails: list[tuple[int, bool]], threads: int) -> None:
    """One step: a mail comes, or a thread has finished one. In the end all have been in hand once."""
    room, in_hand, done = Room(threads), {}, []
    for pk, (size, finishes) in enumerate(mails):
        if room.take(claim(pk), size * MEGABYTE):
            in_hand[pk] = size
        if finishes and in_hand:
            done.append(min(in_hand))
            room.give(claim(done[-1]))
            del in_hand[done[-1]]
            while (waited := room.next_in_line()) is not None:
                in_hand[waited.pk] = mails[waited.pk][0]
        assert len(in_hand) == 1 or sum(in_hand.values()) <= 64
        assert len(in_hand) <= max(1, threads - 1)
    while in_hand:
        done.append(min(in_hand))
        room.give(claim(done[-1]))
        del in_hand[done[-1]]
        while (waited := room.next_in_line()) is not None:
            in_hand[waited.pk] = mails[waited.pk][0]
    assert sorted(done) == list(range(len(mails)))


@pytest.mark.django_db(transaction=True)
def test_a_mail_without_room_is_ingested_when_there_is_some(arrived, parser) -> None:
    arrived(b"Subject: large\r\n\r\n" + b"x" * MEGABYTE)
    room, other = Room(2), claim(-1)
    assert room.take(other, 60 * MEGABYTE)
    mine = claim_now()
    assert ingest(mine, parser, room) == (Outcome.ASIDE, None)
    room.give(other)
    assert room.next_in_line() == mine
    assert ingest(mine, parser, room) == (Outcome.INGESTED, None)
    assert Message.objects.get().subject == "large"
    assert room.take(claim(-2), 64 * MEGABYTE)
