"""The threads of a mail worker, and how they start and end (docs/architecture/mail.md, "The worker")."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Sequence

from django.db import DatabaseError, InterfaceError

from mail.delivery import claims as deliveries
from mail.ingest.claims import release
from mail.ingest.room import Room
from mail.worker.attempts import ATTEMPTS, Attempts
from mail.worker.backlog import Backlog
from mail.worker.outgoing import Outgoing
from mail.worker.tasks import PERIODIC
from mail.worker.threads.dispatching import Dispatching
from mail.worker.threads.parsing import Due, Parsing
from mail.worker.threads.periodic import Periodic
from mail.worker.threads.receiving import Receiving
from mail.worker.threads.sending import Sending
from mail.worker.threads.sweeping import Sweeping
from mail.worker.threads.turns import Turns
from mail.worker.troubles import Trouble, Troubles
from ses_integration.api import mail_source, release_connection
from workers.heartbeat import INTERVAL_SECONDS, Heartbeat

logger = logging.getLogger(__name__)

# How long threads may take to end, before their mail is left to others. A receiver may have to wait for SQS.
ENDING_SECONDS = 6.0


class MailWorker:
    """Any number of them may run, in any number of processes.

    `sweep_now`: also compare the whole bucket with the rows at once. `attempts`: how deliveries are made.
    """

    def __init__(
        self,
        *,
        receivers: int = 1,
        parsers: int = 2,
        senders: int = 16,
        sweep_now: bool = False,
        attempts: Attempts = ATTEMPTS,
    ) -> None:
        self.source = mail_source()
        self.troubles = Troubles()
        self._stop = threading.Event()
        self._backlog = Backlog()
        self._room = Room(parsers)
        common = (self.troubles, self._stop)
        looks = self.source != "none"
        due = Due()
        self._receivers = [Receiving(*common, self._backlog) for _ in range(receivers if self.source == "sqs" else 0)]
        self._sweepers = [Sweeping(*common, now=sweep_now)] if looks else []
        self._outgoing = Outgoing(senders)
        self._parsers = [
            Parsing(*common, self._backlog, self._room, due, self._outgoing.wake)
            for _ in range(parsers if looks else 0)
        ]
        self._dispatchers = [Dispatching(*common, self._outgoing)]
        self._senders = [Sending(*common, self._outgoing, attempts) for _ in range(self._outgoing.threads)]
        self._tasks = [Periodic(*common, task) for task in PERIODIC]
        self._every: list[Turns] = [
            *(*self._receivers, *self._parsers, *self._sweepers, *self._tasks),
            *(*self._dispatchers, *self._senders),
        ]

    def stop(self) -> None:
        """Stop after the turns that are under way. Safe in a signal handler."""
        self._stop.set()

    def run(self, heartbeat: Heartbeat | None = None) -> None:
        """Work until `stop`, and end within ENDING_SECONDS or little more, whatever AWS does."""
        threads = self._start(self._every)
        while not self._stop.wait(INTERVAL_SECONDS):
            trouble = self.trouble(threads)
            if heartbeat is not None:
                heartbeat.round(trouble.sentence, needs_you=trouble.needs_you)
                release_connection()
        self._end(threads)

    def trouble(self, threads: Sequence[threading.Thread] = ()) -> Trouble:
        """What is wrong with this worker, first what only a new start mends."""
        if ended := [thread.name for thread in threads if not thread.is_alive()]:
            return Trouble(f"{', '.join(ended)}: the thread has ended. Start the worker again.", needs_you=True)
        if hanging := sorted({turns.name for turns in self._every if turns.hangs}):
            return Trouble(f"{', '.join(hanging)}: no progress for 15 minutes. Start the worker again.", needs_you=True)
        return self.troubles.worst

    def run_once(self, *, sweep: bool = False) -> Counter[str]:
        """Drain the queue, with `sweep` compare the bucket, ingest what is due, erase, and make the deliveries that are due now.

        Returns what was done, by name.
        """
        parsers = self._start(self._parsers, nothing_more=(parsers_may_end := threading.Event()))
        for group in (self._receivers, self._sweepers if sweep else [], self._tasks):
            self._run(group)
        parsers_may_end.set()
        for thread in parsers:
            # A signal sets `_stop`, and the threads end.
            thread.join()
        self._deliver()
        self._leave()
        return self.counts()

    def _deliver(self) -> None:
        """Make what is due now."""
        may_end = threading.Event()
        senders = self._start(self._senders, nothing_more=may_end)
        self._run(self._dispatchers)
        may_end.set()
        self._outgoing.close()
        for thread in senders:
            thread.join()

    def _run(self, group: Sequence[Turns]) -> None:
        """Run these until nothing is left, unless the worker is stopped."""
        if self._stop.is_set():
            return
        ended = threading.Event()
        ended.set()
        for thread in self._start(group, nothing_more=ended):
            thread.join()

    def counts(self) -> Counter[str]:
        every: Counter[str] = Counter()
        for turns in self._every:
            every += turns.counts
        return every

    def _start(self, group: Sequence[Turns], nothing_more: threading.Event | None = None) -> list[threading.Thread]:
        threads = []
        for number, turns in enumerate(group, 1):
            turns.nothing_more = nothing_more
            # Daemons: one that does not end in time must not keep the process.
            threads.append(threading.Thread(target=turns.run, name=f"{turns.name} {number}", daemon=True))
            threads[-1].start()
        return threads

    def _end(self, threads: Sequence[threading.Thread]) -> None:
        until = time.monotonic() + ENDING_SECONDS
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
            if thread.is_alive():
                logger.warning("Did not end in time: %s. Others take over what it has claimed.", thread.name)
        self._leave()

    def _leave(self) -> None:
        """Leave claimed mail and deliveries to others at once, instead of when their claims end."""
        in_hand = [parser.in_hand for parser in self._parsers if parser.in_hand is not None]
        try:
            release([*self._backlog.leave(), *self._room.leave(), *in_hand])
            waiting, begun = self._outgoing.leave()
            deliveries.release(waiting)
            deliveries.release(begun, begun=True)
        except (DatabaseError, InterfaceError):
            logger.info("The database is away; claimed mail is due again when the claims end.")
