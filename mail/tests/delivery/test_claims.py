"""Which deliveries a process takes: for each endpoint in turn, and only as many as it may have now."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from domains.models import Domain
from endpoints.models import Endpoint
from endpoints.services import create_endpoint
from inbound.tests.support.factories import EndpointFactory, UserFactory
from mail.delivery.claims import claim, held, release
from mail.models import Delivery, EndpointGate
from mail.tests.delivery.deliveries import claim_one, claimed_of, due, endpoint, pass_time, seconds_until

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]


def gate(row: Endpoint, *, opens_in: float | None = None, **values: Any) -> None:
    later = None if opens_in is None else timezone.now() + timedelta(seconds=opens_in)
    EndpointGate.objects.create(endpoint=row, not_before=later, **values)


def test_the_oldest_are_claimed_first_and_once() -> None:
    first, second, third = due(endpoint(), 3)
    assert [one.pk for one in claim(2).deliveries] == [first.pk, second.pk]
    assert [one.pk for one in claim(2).deliveries] == [third.pk]
    assert claim(2).found == 0


def test_a_claim_says_what_the_attempt_has_to_know() -> None:
    to = endpoint(timeout=10, retryAttempts=2)
    (row,) = due(to)
    Delivery.objects.update(attempts=4, attempts_before=3, body_digest="abc")
    gate(to, failures=1, is_slow=True)
    one = claim_one()
    assert (one.pk, one.attempts, one.tries, one.endpoint_id) == (row.pk, 5, 2, to.pk)
    assert (one.received_id, one.type, one.seconds, one.retries) == (row.received_id, "webhook", 10.0, 2)
    assert (one.has_gate, one.is_slow, one.body_digest) == (True, True, "abc")
    assert held(one).exists()


@pytest.mark.parametrize("number", [10**400, -(10**400)])
def test_a_number_that_nobody_has_checked_stops_no_delivery(number: int) -> None:
    config = {"forwardTo": "jo@example.net", "retryAttempts": number, "timeout": number}
    due(create_endpoint(owner=UserFactory(), name="Main", endpoint_type="email", config=config))
    due(endpoint())
    assert len(claim(2).deliveries) == 2


@pytest.mark.parametrize(
    ("kind", "config", "lease"),
    [
        ("webhook", {"timeout": 2.5}, 32.5),
        ("webhook", {}, 60),
        ("webhook", {"timeout": "never checked"}, 60),
        ("webhook", {"timeout": 10**9}, 330),
        ("email", {"forwardTo": "jo@example.net"}, 90),
    ],
)
def test_a_claim_lasts_longer_than_the_attempt_may(kind: str, config: dict[str, Any], lease: float) -> None:
    to = EndpointFactory(type=kind, config={"url": "https://hooks.example.org", **config})
    (row,) = due(to)
    assert claim_one().retries is None
    assert seconds_until(row, "leased_until") == pytest.approx(lease, abs=2)
    assert row.retry_at == row.leased_until


def test_a_claim_that_ends_without_a_result_is_claimed_again() -> None:
    due(endpoint())
    first = claim_one()
    pass_time(59)
    assert claim(1).found == 0
    pass_time(2)
    second = claim_one()
    assert (second.pk, second.attempts) == (first.pk, 2)
    assert not held(first).exists()


def test_an_endpoint_has_eight_at_the_same_time() -> None:
    to = endpoint()
    due(to, 10)
    assert len(claimed_of()) == 8
    assert claimed_of() == []
    Delivery.objects.filter(leased_until__isnull=False)[:1].get()
    release(claim(1).deliveries)
    pass_time(61)
    assert len(claimed_of()) == 8


def test_endpoints_take_turns() -> None:
    rows = sorted((endpoint() for _ in range(3)), key=lambda row: row.pk)
    for row in rows:
        due(row, 8)
    assert Counter(claimed_of(7)).most_common() == [(rows[0].pk, 3), (rows[1].pk, 2), (rows[2].pk, 2)]


def test_the_next_claim_begins_behind_the_last_one() -> None:
    rows = [endpoint() for _ in range(5)]
    for row in rows:
        due(row, 3)
    seen, after = [], ""
    for _ in range(10):
        claims = claim(1, after=after)
        after = claims.after
        seen.append(claims.deliveries[0].endpoint_id)
    assert set(Counter(seen).values()) == {2}
    assert seen[:5] == seen[5:]


def test_a_closed_gate_lets_nothing_through_until_its_time() -> None:
    to = endpoint()
    due(to, 5)
    gate(to, failures=7, opens_in=60)
    assert claimed_of() == []
    pass_time(61)
    # One probe.
    assert claimed_of() == [to.pk]
    assert claimed_of() == []


def test_an_endpoint_that_asked_for_a_pause_gets_all_of_it() -> None:
    to = endpoint()
    due(to, 2)
    gate(to, failures=1, opens_in=60)
    assert claimed_of() == []
    pass_time(61)
    assert len(claimed_of()) == 2


def test_slow_endpoints_get_only_a_part() -> None:
    slow, quick = endpoint(), endpoint()
    for row in (slow, quick):
        due(row, 8)
    gate(slow, is_slow=True)
    assert Counter(claimed_of(most_slow=3)) == {slow.pk: 3, quick.pk: 8}
    assert claimed_of(most_slow=0) == []


def test_forwards_count_as_slow_because_they_may_wait_for_ses() -> None:
    forward = EndpointFactory(type="email", config={"forwardTo": "jo@example.net"})
    due(forward, 4)
    assert claimed_of(most_slow=0) == []
    one, *others = claim(10, most_slow=2).deliveries
    assert (one.is_slow, one.has_gate, len(others)) == (True, False, 1)


def test_an_inactive_endpoint_waits() -> None:
    to = endpoint()
    due(to)
    Endpoint.objects.update(is_active=False)
    assert claimed_of() == []
    Endpoint.objects.update(is_active=True)
    assert claimed_of() == [to.pk]


@pytest.mark.parametrize("is_gone", [False, True])
def test_deliveries_of_a_deleted_domain_are_withdrawn_instead(is_gone: bool) -> None:
    to = endpoint()
    (dead,) = due(to)
    (alive,) = due(to)
    domain = Domain.objects.filter(pk=dead.received.domain_id)
    domain.delete() if is_gone else domain.update(deleting_since=Now())
    claims = claim(10)
    assert ([one.pk for one in claims.deliveries], claims.found) == ([alive.pk], 2)
    dead.refresh_from_db()
    assert (dead.state, dead.attempts, dead.retry_at, dead.leased_until) == ("withdrawn", 0, None, None)
    assert dead.problem == "The domain is being deleted."


@pytest.mark.parametrize("state", ["delivered", "dead", "withdrawn"])
def test_what_is_over_is_not_claimed(state: str) -> None:
    due(endpoint())
    Delivery.objects.update(state=state)
    assert claim(10).found == 0


def test_what_is_due_later_than_asked_for_is_left_alone() -> None:
    to = endpoint()
    older, newer = due(to, 2)
    Delivery.objects.filter(pk=older.pk).update(retry_at=timezone.now() - timedelta(hours=2))
    assert [one.pk for one in claim(10, before=timezone.now() - timedelta(hours=1)).deliveries] == [older.pk]
    assert [one.pk for one in claim(10).deliveries] == [newer.pk]


def test_what_is_released_is_due_again_and_no_attempt_is_spent() -> None:
    due(endpoint())
    one = claim_one()
    release([one])
    row = Delivery.objects.get()
    assert (row.attempts, row.leased_until) == (0, None)
    pass_time(1)
    release([claim_one()], begun=True)
    assert Delivery.objects.get().attempts == 1
    # Only whoever has it can release it.
    pass_time(1)
    claim_one()
    release([one])
    assert Delivery.objects.get().leased_until is not None
