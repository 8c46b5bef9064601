"""Large mail that was put aside for longer than a claim may wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from django.db.models import F

from mail.ingest.claims import claim_due, renewed
from mail.ingest.room import IN_HAND, MEGABYTE, Room
from mail.models import ClaimedMessage, Message
from mail.tests.ingest.conftest import claim_now
from mail.worker.backlog import Backlog
from mail.worker.threads.parsing import Due, Parsing
from mail.worker.troubles import Troubles
from ses_integration.emulator.server import Emulator

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def claim(arrived: Callable[..., Message]) -> ClaimedMessage:
    """One that has ended, and that no other process has followed yet."""
    arrived(b"Subject: large\r\n\r\n" + b"x" * MEGABYTE)
    made = replace(claim_now(), begin_until=0.0)
    Message.objects.update(retry_at=F("noted_at"))
    return made


@pytest.fixture
def room(claim: ClaimedMessage) -> Room:
    """There is some again."""
    made, other = Room(2), replace(claim, pk=-1)
    assert made.take(other, IN_HAND)
    assert not made.take(claim, MEGABYTE)
    made.give(other)
    return made


@pytest.fixture
def parsing(room: Room) -> Iterator[Parsing]:
    made = Parsing(Troubles(), threading.Event(), Backlog(), room, Due(), lambda: None)
    # It does not look for what is due.
    made._due._next = float("inf")
    yield made
    made.end()


def test_it_is_claimed_again_before_it_is_read(claim: ClaimedMessage, parsing: Parsing, room: Room) -> None:
    assert parsing.turn()
    assert Message.objects.get().subject == "large"
    assert room.take(replace(claim, pk=-1), IN_HAND)


def test_a_new_claim_is_as_long_as_the_first(claim: ClaimedMessage) -> None:
    again = renewed(claim)
    assert again is not None
    assert not again.is_too_old
    assert claim_due(1) == []


def test_what_another_process_has_claimed_is_left_to_it(
    claim: ClaimedMessage, parsing: Parsing, room: Room, ses: Emulator
) -> None:
    (theirs,) = claim_due(1)
    assert not parsing.turn()
    assert [entry["action"] for entry in ses.journal() if entry["action"] == "GetObject"] == []
    message = Message.objects.get()
    assert (message.state, message.attempts) == ("arrived", theirs.attempts)
    assert room.take(replace(claim, pk=-1), IN_HAND)
