"""When the dispatcher claims: as soon as something may be due and a sender is free, and never too little."""

from __future__ import annotations

import threading
import time

import pytest

from mail.delivery.claims import ClaimedDelivery, Claims, claim
from mail.delivery.finish import finish
from mail.models import EndpointGate
from mail.tests.delivery.deliveries import DELIVERED, due, endpoint
from mail.worker.outgoing import Free, Outgoing
from mail.worker.threads.dispatching import Dispatching
from mail.worker.troubles import Troubles

# Nothing here waits for as long: whoever does has missed something.
LONG = 30.0
NOTHING = Claims([], "", found=0)


def taken(outgoing: Outgoing) -> list[ClaimedDelivery]:
    found = []
    while (one := outgoing.take(0.0)) is not None:
        found.append(one)
    return found


@pytest.mark.sqlite_only
def test_what_is_due_while_no_sender_is_free_is_claimed_as_soon_as_one_is():
    outgoing = Outgoing(1)
    free = outgoing.wait(0.0)
    outgoing.add(Claims([ClaimedDelivery("1", 1, "a", "r", "webhook")], "a", found=1), free)
    (one,) = taken(outgoing)
    outgoing.wait(0.0)
    outgoing.add(NOTHING, free)
    outgoing.wake()
    assert outgoing.wait(0.0).most == 0
    outgoing.done(one)
    began = time.monotonic()
    assert outgoing.wait(LONG).most == 1
    assert time.monotonic() - began < LONG / 2


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_slow_endpoints_in_the_way_do_not_hide_the_others():
    healthy, slow = endpoint(), [endpoint() for _ in range(6)]
    for row in slow:
        due(row)
        EndpointGate.objects.create(endpoint=row, is_slow=True)
    due(healthy)
    outgoing, claimed = Outgoing(4), []
    # Behind the healthy one come all others.
    claims, began = Claims([], healthy.pk, found=0), time.monotonic()
    while healthy.pk not in claimed:
        free = outgoing.wait(LONG)
        assert free.most
        claims = claim(free.most, most_slow=free.most_slow, after=claims.after)
        outgoing.add(claims, free)
        claimed += [one.endpoint_id for one in taken(outgoing)]
    assert time.monotonic() - began < LONG / 2
    assert len(claimed) == 3


class EndsMeanwhile(Outgoing):
    """All attempts end just after a claim."""

    def add(self, claims: Claims, asked: Free) -> None:
        super().add(claims, asked)
        for one in list(self._in_hand):
            finish(one, DELIVERED)
            self.done(one)


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_a_worker_that_runs_once_looks_again_if_attempts_have_ended_since_its_claim():
    due(endpoint(), 9)
    outgoing = EndsMeanwhile(16)
    dispatching = Dispatching(Troubles(), threading.Event(), outgoing)
    dispatching.nothing_more = threading.Event()
    assert dispatching.turn()
    # One endpoint gets no more at the same time.
    assert len(taken(outgoing)) == 8
    assert dispatching.turn()
    assert dispatching.turn()
    assert len(taken(outgoing)) == 1
