"""What people ask for: again, elsewhere, out of quarantine, or not at all."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from endpoints.models import Endpoint
from inbound.tests.support.factories import EndpointFactory, ReceivedEmailFactory
from mail.delivery import replay
from mail.delivery.claims import claim
from mail.delivery.finish import Outcome, finish
from mail.models import Delivery, DeliveryAttempt, EndpointGate, ReceivedEmail
from mail.models.delivery import lifetime
from mail.tests.delivery.deliveries import DELIVERED, FAILED, GONE, claim_one, due, endpoint, pass_time, seconds_until

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def to() -> Endpoint:
    return endpoint()


def dead(to: Endpoint, number: int = 1) -> list[Delivery]:
    rows = due(to, number)
    Delivery.objects.filter(endpoint=to).update(
        state="dead", attempts=10, finished_at=Now(), retry_at=None, problem="It answered 500.", body_digest="first"
    )
    return rows


def test_a_dead_delivery_is_made_again_with_a_new_schedule_and_its_log_goes_on(to: Endpoint) -> None:
    (row,) = dead(to)
    pass_time(10 * 86_400)
    replay.retry(row)
    assert seconds_until(row, "expires_at") == pytest.approx(lifetime().total_seconds(), abs=2)
    assert (row.state, row.finished_at, row.problem) == ("due", None, "")
    one = claim_one()
    assert (one.attempts, one.tries, one.body_digest) == (11, 1, "first")
    assert finish(one, FAILED) == Outcome.RETRIED
    assert DeliveryAttempt.objects.get().number == 11


def test_one_that_waits_for_its_next_attempt_is_made_now(to: Endpoint) -> None:
    (row,) = due(to)
    finish(claim_one(), FAILED)
    assert claim(1).found == 0
    replay.retry(row)
    assert claim(1).found == 1


def test_one_that_was_made_is_made_again_only_if_somebody_says_so(to: Endpoint) -> None:
    (row,) = due(to)
    finish(claim_one(), DELIVERED)
    with pytest.raises(replay.AlreadyDelivered, match=r"^Delivery already succeeded\."):
        replay.retry(row)
    replay.retry(row, again=True)
    assert claim_one().pk == row.pk


def test_one_under_way_is_left_alone(to: Endpoint) -> None:
    (row,) = due(to)
    claim_one()
    for act in (replay.retry, replay.withdraw):
        with pytest.raises(replay.InProgress, match=r"^Delivery is already in progress$"):
            act(row)
    # A process that has died has nothing under way.
    pass_time(100)
    replay.retry(row)


def test_an_inactive_endpoint_gets_nothing(to: Endpoint) -> None:
    (row,) = dead(to)
    Endpoint.objects.update(is_active=False)
    email = row.received
    for act in (lambda: replay.retry(row), lambda: replay.redeliver(to), lambda: replay.deliver_to(email, to)):
        with pytest.raises(replay.EndpointUnusable, match=r"^Endpoint not found or is inactive$"):
            act()


def test_what_was_deleted_is_not_found(to: Endpoint) -> None:
    (row,) = dead(to)
    type(row.received.domain).objects.update(deleting_since=Now())
    with pytest.raises(replay.DeliveryGone):
        replay.retry(row)
    assert replay.redeliver(to) == 0


def test_a_closed_gate_opens_for_what_a_person_asks_for(to: Endpoint) -> None:
    due(to, 3)
    (row,) = due(to)
    Delivery.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(days=1))
    later = timezone.now() + timedelta(hours=1)
    EndpointGate.objects.create(endpoint=to, failures=9, not_before=later)
    assert claim(10).found == 0
    replay.retry(row)
    assert [one.pk for one in claim(10).deliveries] == [row.pk]
    assert EndpointGate.objects.get().failures == 9


def test_the_dead_deliveries_of_an_endpoint_are_made_again_oldest_first(to: Endpoint) -> None:
    rows = dead(to, 5)
    other = dead(endpoint())
    assert replay.redeliver(to, most=3) == 3
    assert {one.pk for one in claim(10).deliveries} == {row.pk for row in rows[:3]}
    assert replay.redeliver(to) == 2
    assert Delivery.objects.get(pk=other[0].pk).state == "dead"


def test_only_what_was_given_up_lately_is_made_again(to: Endpoint) -> None:
    older, newer = dead(to, 2)
    Delivery.objects.filter(pk=older.pk).update(finished_at=timezone.now() - timedelta(days=2))
    assert replay.redeliver(to, since=timezone.now() - timedelta(days=1)) == 1
    assert claim_one().pk == newer.pk


@pytest.mark.parametrize("disposition", ["stored", "quarantined", "routed"])
def test_any_email_can_go_to_an_endpoint_of_its_owner(to: Endpoint, disposition: str) -> None:
    email = ReceivedEmailFactory(message__domain__owner=to.owner, disposition=disposition, route={"reason": "no_route"})
    row = replay.deliver_to(email, to)
    pass_time(1)
    assert claim_one().pk == row.pk
    email.refresh_from_db()
    assert email.disposition == "routed"
    if disposition != "routed":
        assert email.route == {"matched": None, "endpointId": to.pk, "reason": "requested"}


def test_an_email_that_the_endpoint_has_had_is_delivered_again_as_the_same(to: Endpoint) -> None:
    (row,) = due(to)
    finish(claim_one(), DELIVERED)
    assert replay.deliver_to(row.received, to).pk == row.pk
    assert claim_one().attempts == 2


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"disposition": "blocked"}, "Email was blocked, and its text was not kept"),
        ({"message__state": "arrived"}, "Email has not been read yet"),
    ],
)
def test_what_cannot_be_read_cannot_be_delivered(to: Endpoint, values: dict[str, str], sentence: str) -> None:
    email = ReceivedEmailFactory(message__domain__owner=to.owner, **values)
    with pytest.raises(replay.NotReadable, match=f"^{sentence}$"):
        replay.deliver_to(email, to)
    assert not Delivery.objects.exists()


def test_nothing_goes_to_the_endpoint_of_somebody_else(to: Endpoint) -> None:
    with pytest.raises(replay.EndpointUnusable):
        replay.deliver_to(ReceivedEmailFactory(), to)


def test_a_released_email_is_routed_as_if_nothing_had_been_found(to: Endpoint) -> None:
    email: ReceivedEmail = ReceivedEmailFactory(message__domain__owner=to.owner, disposition="quarantined")
    type(email.domain).objects.update(is_catch_all_enabled=True, catch_all_endpoint=to)
    assert replay.release(email).endpoint == to.pk
    pass_time(1)
    assert claim_one().received_id == email.pk
    with pytest.raises(replay.NotQuarantined, match=r"^Email is not quarantined$"):
        replay.release(email)


def test_a_delivery_that_is_withdrawn_is_not_made_until_somebody_asks_for_it(to: Endpoint) -> None:
    (row,) = due(to)
    replay.withdraw(row, "Nobody needs it.")
    row.refresh_from_db()
    assert (row.state, row.problem, row.finished_at is None) == ("withdrawn", "Nobody needs it.", False)
    assert claim(1).found == 0
    with pytest.raises(replay.NotWaiting):
        replay.withdraw(row)
    replay.retry(row)
    assert claim(1).found == 1


def test_a_410_that_is_asked_for_again_may_succeed(to: Endpoint) -> None:
    (row,) = due(to)
    finish(claim_one(), GONE)
    replay.retry(row)
    assert finish(claim_one(), DELIVERED) == Outcome.DELIVERED


def test_another_endpoint_gets_a_delivery_of_its_own(to: Endpoint) -> None:
    (row,) = due(to)
    second = EndpointFactory(owner=to.owner)
    assert replay.deliver_to(row.received, second).pk != row.pk
    assert Delivery.objects.count() == 2
