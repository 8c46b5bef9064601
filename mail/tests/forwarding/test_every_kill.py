"""The mail worker is killed at every step of a forward to a group, one process for each step. In the end everybody has the mail,
and a second copy only who was being sent to.

A first run counts the steps (`fork_server.Steps`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from inbound.tests.processes.conftest import stack_with
from inbound.tests.processes.support.forks import ForkedRun
from inbound.tests.processes.support.stack import Stack
from inbound.tests.support.rotation import Rotation
from mail.models import Delivery
from mail.tests.delivery.deliveries import pass_time
from mail.tests.forks import forks_beside
from mail.tests.forwarding.forwarder import Forwarder

pytestmark = [pytest.mark.postgresql, pytest.mark.processes]

__all__ = ["stack_with"]

MEMBERS = ("ann@example.net", "bob@example.net", "cat@example.net")
# Mail that is read already, so that every step is one of the delivery.
ONCE = ("mail_worker", "--once", "--parsers", "1", "--receivers", "1", "--senders", "1")
# More than the steps of any run: a run without this step ends by itself.
MOST_STEPS = 40
SENT = "after SendEmail"


@pytest.fixture
def run(
    stack_with: Callable[..., Stack], postbox: Any, tmp_path: Path, settings: Any
) -> Iterator[Callable[..., ForkedRun]]:
    with forks_beside(postbox, stack_with, tmp_path, settings) as forks:
        yield lambda kill_at=None: forks.command(*ONCE, kill_at=kill_at)


def test_everybody_has_the_mail_wherever_the_worker_is_killed(
    forwards_to: Callable[..., Forwarder], run: Callable[..., ForkedRun], subtests: pytest.Subtests, rotation: Rotation
) -> None:
    forwards = forwards_to(*MEMBERS)
    forwards.receive()
    counted = run()
    assert counted.steps.count(SENT) == len(MEMBERS), counted.steps
    for number in range(1, MOST_STEPS):
        if not rotation.takes(number):
            continue
        with subtests.test(step=number):
            before = Counter(forwards.reached())
            delivery = forwards.receive()
            killed = run(number)
            # The claim of the killed process ends.
            pass_time(3_600)
            assert run().status == 0
            delivery.refresh_from_db()
            assert delivery.state == Delivery.State.DELIVERED
            copies = Counter(forwards.reached()) - before
            assert set(copies) == set(MEMBERS)
            # SES has the mail, and nothing here knows of it yet.
            twice = 1 if killed.killed and killed.steps[-1] == SENT else 0
            assert copies.total() == len(MEMBERS) + twice, killed.steps
        if not killed.killed:
            break
    assert number > 3 * len(MEMBERS), counted.steps
