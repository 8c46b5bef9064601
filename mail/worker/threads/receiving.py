"""Take notifications from the queue, note them, and only then delete them from the queue."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from django.db import DatabaseError, DataError, InterfaceError, connection

from mail.arrival.feedback import record_feedback
from mail.arrival.note import Noted, note
from mail.ingest.claims import claim_length
from mail.models import Message
from mail.worker.backlog import Backlog
from mail.worker.threads.turns import Turns
from mail.worker.troubles import Troubles
from ses_integration.api import Arrival, Feedback, MailQueue

logger = logging.getLogger(__name__)

# SQS may hold a poll for 20 s, but a worker that is stopped waits for it to end.
POLL_SECONDS = 4.0
POLL_SECONDS_ONCE = 1.0


class Receiving(Turns):
    name = "the queue"
    # It waits for room while others read.
    longest = None

    def __init__(self, troubles: Troubles, stop: threading.Event, backlog: Backlog) -> None:
        super().__init__(troubles, stop)
        self._backlog = backlog
        self._queue: MailQueue | None = None
        self._database_failed = False

    def turn(self) -> bool:
        self._backlog.wait_for_room(self.stop.is_set)
        if self._database_failed:
            # SQS gives what it has delivered ten times to the dead-letter queue, so an outage must not deliver anything.
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            self._database_failed = False
        if self._queue is None:
            self._queue = MailQueue()
        notifications = self._queue.receive(POLL_SECONDS if self.nothing_more is None else POLL_SECONDS_ONCE)
        told = [(it.handle, it.arrival) for it in notifications if it.arrival is not None]
        done = [it.handle for it in notifications if it.ignored]
        for ignored in {it.ignored for it in notifications if it.ignored}:
            logger.info("Not a notification of mail: %s", ignored)
        if told:
            done += self._note(told)
        for it in notifications:
            if it.feedback is not None:
                done += self._record(it.handle, it.feedback)
        if done:
            self._queue.delete(done)
        # What is refused comes again later, and in the end goes to the dead-letter queue.
        return bool(done)

    def _note(self, told: Sequence[tuple[str, Arrival]]) -> list[str]:
        """Note a batch, and return the handles of what need not be told again."""
        arrivals = [arrival for _, arrival in told]
        try:
            noted = note(arrivals, source=Message.Source.QUEUE, claim=claim_length())
        except DataError:
            if len(told) == 1:
                logger.exception("A notification could not be stored; it is left in the queue.")
                return []
            # One of them must not keep the others.
            return [handle for one in told for handle in self._note([one])]
        except (DatabaseError, InterfaceError):
            self._database_failed = True
            raise
        self._count(noted, len(arrivals))
        # First of all, because somebody may be waiting for the mail.
        self._backlog.add(noted.claimed)
        return [handle for number, (handle, _) in enumerate(told) if number not in noted.refused]

    def _record(self, handle: str, feedback: Feedback) -> list[str]:
        """Record a bounce or a complaint, and return the handle if it need not be told again."""
        try:
            self.counts += record_feedback([feedback])
        except DataError:
            logger.exception(
                "Feedback on the mail %s could not be stored; it is left in the queue.", feedback.ses_message_id
            )
            return []
        except (DatabaseError, InterfaceError):
            self._database_failed = True
            raise
        return [handle]

    def _count(self, noted: Noted, told: int) -> None:
        self.counts += {"notified": told, "noted": len(noted.messages), "duplicates": noted.duplicates, **noted.dropped}
