"""The mail worker is killed at every step of a delivery. Afterwards its receiver has got it, twice at most and as the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db.models import F

from addresses.models import EmailAddress
from inbound.tests.processes.support.forks import ForkedRun, ForkServer
from inbound.tests.processes.support.stack import Stack, wait_for
from inbound.tests.support.rotation import Rotation
from mail.models import Delivery, DeliveryAttempt, Message
from mail.tests.forks import forks_beside
from mail.tests.forwarding.conftest import Make, forwards_to
from mail.tests.postbox import Postbox
from mail.tests.worker.deliveries.hooks import got, hook
from mail.tests.worker.invariants import assert_nothing_is_lost

__all__ = ["forwards_to"]

pytestmark = [pytest.mark.postgresql, pytest.mark.processes]

ONCE = ("mail_worker", "--once", "--parsers", "1", "--senders", "1")
# More than the steps of any run: a run without this step ends by itself.
MOST_STEPS = 40
MOST_RUNS = 5


class KillSetup:
    def __init__(self, postbox: Postbox, forks: ForkServer) -> None:
        self.postbox = postbox
        self._forks = forks
        postbox.hide_for(1)

    def run(self, kill_at: int | None = None) -> ForkedRun:
        return self._forks.command(*ONCE, kill_at=kill_at)

    def finish(self) -> None:
        """End the claims of the killed process, which is the same as waiting, and run another one."""
        wait_for(lambda: self.postbox.depth()[1] == 0, within=30, what="the queue shows again what was taken")
        Message.objects.filter(state=Message.State.ARRIVED).update(retry_at=F("noted_at"))
        Delivery.objects.due().update(retry_at=F("created_at"), leased_until=F("created_at"))
        Delivery.objects.filter(attempts=0).update(leased_until=None)
        for _ in range(MOST_RUNS):
            done = self.run()
            if done.status == 0:
                break
            # SES's rate has postponed the rest of a forward.
            Delivery.objects.due().update(retry_at=F("created_at"))
        assert done.status == 0, done


@pytest.fixture
def setup(stack_with: Callable[..., Stack], postbox: Postbox, tmp_path: Path, settings: Any) -> Iterator[KillSetup]:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    environment = {
        "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
        "WEBHOOK_RETRY_SECONDS": "0",
        # It seals the secret that signs the webhooks.
        "SECRET_KEY": settings.SECRET_KEY,
    }
    with forks_beside(postbox, stack_with, tmp_path, settings, **environment) as forks:
        yield KillSetup(postbox, forks)


def test_a_webhook_arrives_wherever_the_worker_is_killed(
    setup: KillSetup, subtests: pytest.Subtests, rotation: Rotation
) -> None:
    postbox = setup.postbox
    EmailAddress.objects.update(endpoint=hook(postbox, "main"))
    postbox.deliver()
    counted = setup.run()
    assert counted.status == 0
    assert "after UPDATE of mail_delivery" in counted.steps
    assert "after the attempt delivered" in counted.steps
    expected = Counter(got(postbox, "main"))
    for number in range(1, MOST_STEPS):
        if not rotation.takes(number):
            continue
        with subtests.test(step=number):
            postbox.deliver()
            run = setup.run(kill_at=number)
            setup.finish()
            row = Delivery.objects.latest("created_at")
            assert row.state == "delivered"
            # Between the receiver's answer and the commit that records it.
            expected[row.pk] = 2 if run.killed and run.steps[-1].startswith("after the attempt") else 1
            assert Counter(got(postbox, "main")) == expected
            assert row.attempts == (2 if run.killed and _claimed(run) else 1)
            assert [log.number for log in row.log.all()] == [row.attempts]
            assert_nothing_is_lost()
        if not run.killed:
            break
    assert Delivery.objects.count() == len(expected) == DeliveryAttempt.objects.count()
    # All bodies of a delivery are the same, byte by byte.
    bodies = {(it["headers"]["webhook-id"], it["body"]) for it in postbox.aws.hook_requests("main")}
    assert len(bodies) == len(expected)


def test_each_member_gets_a_forward_wherever_the_worker_is_killed(
    setup: KillSetup, forwards_to: Make, subtests: pytest.Subtests, rotation: Rotation
) -> None:
    """And nobody gets it twice, unless the worker was killed while SES was sending it."""
    forwarder = forwards_to("jo@example.net", "al@example.net")
    for number in range(1, MOST_STEPS):
        if not rotation.takes(number):
            continue
        with subtests.test(step=number):
            before = Counter(forwarder.reached())
            setup.postbox.deliver()
            run = setup.run(kill_at=number)
            setup.finish()
            assert not Delivery.objects.exclude(state="delivered").exists()
            assert set(forwarder.states().values()) == {"sent"}
            got_now = Counter(forwarder.reached()) - before
            extra = 1 if run.killed and run.steps[-1] == "after SendEmail" else 0
            assert set(got_now) == {"jo@example.net", "al@example.net"}
            assert got_now.total() == 2 + extra, run.steps
        if not run.killed:
            break
    assert number > 15


def _claimed(run: ForkedRun) -> bool:
    """Whether the killed process had claimed the delivery and not recorded it."""
    return "after UPDATE of mail_delivery" in run.steps and not any(
        "mail_deliveryattempt" in step for step in run.steps
    )
