"""Whatever happens in whichever order, deliveries behave as a small model of them says."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from endpoints.models import Endpoint
from endpoints.services import update_endpoint
from inbound.tests.support.database import empty_tables
from mail.delivery import replay
from mail.delivery.claims import ClaimedDelivery, claim, release
from mail.delivery.expiry import run_expiry
from mail.delivery.finish import Outcome, finish
from mail.delivery.result import Kind, Result
from mail.models import Delivery, DeliveryAttempt, EndpointGate
from mail.tests.delivery.deliveries import DELIVERED, FAILED, GONE, due, endpoint, pass_time

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]

POSTPONED = Result(Kind.POSTPONED, retry_after=1.0)
RESULTS = [DELIVERED, FAILED, FAILED, GONE, Result(Kind.DEAD, problem="Never."), POSTPONED, Result(Kind.LOST)]
# All retries together, twice the longest gate's pause, the time that nothing lives longer than.
LEAPS = [1.0, 61.0, 700.0, 100_000.0]


@dataclass
class Known:
    """What has to be true of one delivery. `holder`: the claim that may finish it."""

    state: str = "due"
    attempts: int = 0
    holder: ClaimedDelivery | None = None
    lease_ends: float = 0.0
    logged: set[int] = field(default_factory=set)


class Deliveries(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        empty_tables()
        self.now = 0.0
        self.endpoints = [endpoint(), endpoint(retryAttempts=1)]
        self.known: dict[str, Known] = {}
        # Every claim there ever was; some of their processes are dead, and some only slow.
        self.claims: list[ClaimedDelivery] = []
        self.arrive(0)

    @rule(which=st.integers(0, 1))
    def arrive(self, which: int) -> None:
        for row in due(self.endpoints[which], 3):
            self.known[row.pk] = Known()

    @rule(most=st.integers(1, 20), most_slow=st.integers(0, 8))
    def claim(self, most: int, most_slow: int) -> None:
        active = set(Endpoint.objects.filter(is_active=True).values_list("pk", flat=True))
        gates = {gate.pk: gate.failures for gate in EndpointGate.objects.all()}
        claims = claim(most, most_slow=most_slow).deliveries
        for one in claims:
            known = self.known[one.pk]
            assert known.state == "due"
            assert known.holder is None or known.lease_ends <= self.now
            assert one.endpoint_id in active
            assert one.attempts == known.attempts + 1
            known.attempts, known.holder, known.lease_ends = one.attempts, one, self.now + one.seconds + 30
            self.claims.append(one)
        under_way = Counter(it.endpoint_id for it in self._under_way())
        for pk in {one.endpoint_id for one in claims}:
            assert under_way[pk] <= (8 if gates.get(pk, 0) < 5 else 1)

    @rule(which=st.integers(0), result=st.sampled_from(RESULTS))
    @precondition(lambda self: self.claims)
    def finish(self, which: int, result: Result) -> None:
        one = self.claims[which % len(self.claims)]
        known = self.known[one.pk]
        outcome = finish(one, result)
        if result.kind == Kind.LOST or known.holder != one or known.state != "due":
            assert outcome == Outcome.LOST
            return
        known.holder = None
        if result.kind == Kind.POSTPONED:
            assert outcome == Outcome.POSTPONED
            known.attempts -= 1
            return
        known.logged.add(one.attempts)
        dead = result.kind in (Kind.GONE, Kind.DEAD) or outcome == Outcome.DEAD
        known.state = "delivered" if result.kind == Kind.DELIVERED else "dead" if dead else "due"
        assert outcome in {"delivered": (Outcome.DELIVERED,), "dead": (Outcome.DEAD,)}.get(
            known.state, (Outcome.RETRIED,)
        )

    @rule(which=st.integers(0), begun=st.booleans())
    @precondition(lambda self: self.claims)
    def release(self, which: int, begun: bool) -> None:
        one = self.claims[which % len(self.claims)]
        known = self.known[one.pk]
        release([one], begun=begun)
        if known.holder == one and known.state == "due":
            known.holder = None
            known.attempts -= not begun

    @rule(seconds=st.sampled_from(LEAPS))
    def wait(self, seconds: float) -> None:
        pass_time(seconds)
        self.now += seconds

    @rule(which=st.integers(0), again=st.booleans(), back=st.booleans())
    def ask(self, which: int, again: bool, back: bool) -> None:
        """A person asks for a delivery, or takes it back."""
        pk = sorted(self.known)[which % len(self.known)]
        known, row = self.known[pk], Delivery.objects.get(pk=pk)
        under_way = known.holder is not None and known.lease_ends > self.now
        over = known.state in ("delivered", "withdrawn") if back else known.state == "delivered" and not again
        unusable = not back and not Endpoint.objects.get(pk=row.endpoint_id).is_active
        with pytest.raises(replay.CannotDeliver) if under_way or over or unusable else nullcontext():
            replay.withdraw(row) if back else replay.retry(row, again=again)
            known.state, known.holder = "withdrawn" if back else "due", None

    @rule(which=st.integers(0, 1), is_active=st.booleans())
    def switch(self, which: int, is_active: bool) -> None:
        update_endpoint(endpoint=self.endpoints[which], is_active=is_active)

    @rule(which=st.integers(0, 1))
    def break_down(self, which: int) -> None:
        """It has failed for a while, and the time for a probe has come."""
        EndpointGate.objects.update_or_create(pk=self.endpoints[which].pk, defaults={"failures": 6})

    @rule()
    def expire(self) -> None:
        run_expiry()
        for pk in Delivery.objects.filter(state="dead").values_list("pk", flat=True):
            if self.known[pk].state == "due":
                assert self.known[pk].holder is None or self.known[pk].lease_ends <= self.now
                self.known[pk].state, self.known[pk].holder = "dead", None

    @invariant()
    def rows_are_as_the_model_says(self) -> None:
        if not hasattr(self, "known"):
            return
        rows = {row.pk: row for row in Delivery.objects.all()}
        log: dict[str, set[int]] = {pk: set() for pk in rows}
        for pk, number in DeliveryAttempt.objects.values_list("delivery", "number"):
            log[pk].add(number)
        for pk, known in self.known.items():
            row = rows[pk]
            assert (row.state, row.attempts) == (known.state, known.attempts)
            assert (row.leased_until is not None) == (known.holder is not None)
            assert (row.retry_at is not None) == (row.state == "due")
            assert (row.finished_at is None) == (row.state == "due")
            assert log[pk] == known.logged
            assert max(known.logged, default=0) <= row.attempts

    def teardown(self) -> None:
        """Once everything works again, everything that is due is delivered."""
        if not hasattr(self, "known"):
            return
        Delivery.objects.due().renew()
        for row in self.endpoints:
            update_endpoint(endpoint=row, is_active=True)
        for _ in range(100):
            if not Delivery.objects.due().exists():
                break
            pass_time(90_000)
            Delivery.objects.due().renew()
            for one in claim(20).deliveries:
                assert finish(one, DELIVERED) == Outcome.DELIVERED
        assert not Delivery.objects.due().exists()

    def _under_way(self) -> list[ClaimedDelivery]:
        known = [it for it in self.known.values() if it.state == "due" and it.lease_ends > self.now]
        return [it.holder for it in known if it.holder]


def test_deliveries_behave_as_the_model_says() -> None:
    run_state_machine_as_test(
        Deliveries,
        settings=settings(
            max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), stateful_step_count=30
        ),
    )
