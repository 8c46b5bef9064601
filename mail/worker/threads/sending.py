"""Make deliveries, and record what they came to."""

from __future__ import annotations

import logging
import threading

from django.db import DatabaseError, InterfaceError, OperationalError

from mail.delivery.claims import ClaimedDelivery
from mail.delivery.finish import Outcome, finish
from mail.delivery.result import Kind, Result
from mail.worker.attempts import Attempts
from mail.worker.outgoing import Outgoing
from mail.worker.tasks import GAVE_UP
from mail.worker.threads.turns import Turns
from mail.worker.troubles import Troubles
from ses_integration.api import release_connection

logger = logging.getLogger(__name__)

WAIT_SECONDS = 0.5
# A bug is not over soon.
UNEXPECTED = Result(Kind.POSTPONED, problem="inbound could not make the delivery; the log says why.", retry_after=300.0)
NOT_BEGUN = Result(Kind.POSTPONED, retry_after=1.0)


class Sending(Turns):
    name = "the deliveries"

    def __init__(self, troubles: Troubles, stop: threading.Event, outgoing: Outgoing, attempts: Attempts) -> None:
        super().__init__(troubles, stop)
        self._outgoing = outgoing
        self._attempts = attempts
        # Because the database was away.
        self._unrecorded: tuple[ClaimedDelivery, Result] | None = None

    def turn(self) -> bool:
        if self._unrecorded is None:
            claim = self._outgoing.take(WAIT_SECONDS)
            if claim is None:
                return False
            self._unrecorded = claim, NOT_BEGUN
            if not self.stop.is_set() and not claim.is_too_old:
                self._unrecorded = claim, self._attempt(claim)
        claim, result = self._unrecorded
        outcome = self._finish(claim, result)
        self._unrecorded = None
        self._outgoing.done(claim)
        if result is not NOT_BEGUN:
            self.counts[GAVE_UP if outcome == Outcome.DEAD else f"delivery {outcome}"] += 1
        return True

    def _finish(self, claim: ClaimedDelivery, result: Result) -> Outcome:
        """Record the result. Raises OperationalError or InterfaceError to be called again: the database is away."""
        try:
            return finish(claim, result)
        except (OperationalError, InterfaceError) as error:
            if self.nothing_more is None:
                raise
            self.troubles.failed(self.name, error)
        except Exception:
            logger.exception("Delivery %s could not be recorded. It is made again when the claim ends.", claim.pk)
        finally:
            release_connection()
        return Outcome.LOST

    def _attempt(self, claim: ClaimedDelivery) -> Result:
        try:
            return self._attempts[claim.type](claim)
        except (DatabaseError, InterfaceError):
            return NOT_BEGUN
        except Exception:
            logger.exception("Delivery %s could not be made.", claim.pk)
            return UNEXPECTED
