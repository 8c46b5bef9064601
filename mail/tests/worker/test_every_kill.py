"""The mail worker is killed at every step, one process for each step. Afterwards everything is there once.

A first run counts the steps (`fork_server.Steps`): commits, and calls that change something in SQS and S3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db.models import F

from inbound.tests.processes.support.forks import ForkedRun, ForkServer
from inbound.tests.processes.support.stack import Stack, wait_for
from inbound.tests.support.rotation import Rotation
from mail.models import MailSweep, Message
from mail.tests.arrival.arrivals import listed
from mail.tests.forks import forks_beside
from mail.tests.postbox import Postbox
from mail.tests.worker.invariants import assert_nothing_crosses_owners, assert_nothing_is_lost

pytestmark = [pytest.mark.postgresql, pytest.mark.processes]

ONCE = ("mail_worker", "--once", "--parsers", "1")
# More than the steps of any run: a run without this step ends by itself.
MOST_STEPS = 40


class KillSetup:
    """A worker that can be killed, and mail for it."""

    def __init__(self, postbox: Postbox, forks: ForkServer) -> None:
        self.postbox = postbox
        self._forks = forks
        self._second = postbox.add_address("second")
        # What a killed worker has taken from the queue is there again a second later.
        postbox.hide_for(1)

    def deliver(self) -> set[tuple[str, str]]:
        """A small mail for two, and one that needs room. Returns what has to be listed."""
        recipients = ("hello@example.com", self._second)
        small = self.postbox.deliver(*recipients, raw=b"To: hello@example.com, second@example.com\r\n\r\nHi")
        large = self.postbox.deliver(raw=b"To: hello@example.com\r\n\r\n" + b"x" * 300_000)
        return {(small, recipient) for recipient in recipients} | {(large, "hello@example.com")}

    def run(self, *options: str, kill_at: int | None = None) -> ForkedRun:
        return self._forks.command(*ONCE, *options, kill_at=kill_at)

    def expire_everything(self) -> None:
        """End the claims of the killed process, which is the same as waiting: nobody is alive to act before that."""
        wait_for(lambda: self.postbox.depth()[1] == 0, within=30, what="the queue shows again what was taken")
        Message.objects.filter(state=Message.State.ARRIVED).update(retry_at=F("noted_at"))
        MailSweep.objects.update(due_at=F("started_at"))

    def finish(self, *options: str) -> None:
        self.expire_everything()
        done = self.run(*options)
        assert done.status == 0, done

    def assert_there(self, wanted: set[tuple[str, str]]) -> None:
        assert wanted <= listed()
        assert not Message.objects.exclude(state=Message.State.INGESTED).exists()
        assert_nothing_is_lost()
        assert_nothing_crosses_owners()


@pytest.fixture
def setup(stack_with: Callable[..., Stack], postbox: Postbox, tmp_path: Path, settings: Any) -> Iterator[KillSetup]:
    with forks_beside(postbox, stack_with, tmp_path, settings) as forks:
        yield KillSetup(postbox, forks)


@pytest.mark.parametrize("options", [(), ("--sweep",)], ids=["notified", "swept"])
def test_a_mail_is_there_once_wherever_the_worker_is_killed(
    setup: KillSetup, subtests: pytest.Subtests, options: tuple[str, ...], rotation: Rotation
) -> None:
    every: set[tuple[str, str]] = set()

    def deliver() -> None:
        every.update(setup.deliver())
        if options:
            setup.postbox.notifications()

    deliver()
    counted = setup.run(*options)
    assert counted.status == 0
    setup.assert_there(every)
    for number in range(1, MOST_STEPS):
        if not rotation.takes(number):
            continue
        with subtests.test(step=number):
            deliver()
            run = setup.run(*options, kill_at=number)
            setup.finish(*options)
            setup.assert_there(every)
            assert listed() == every
        if not run.killed:
            break
    # Two mails take several steps each.
    assert number >= len(counted.steps) - 3 > 4, counted.steps
