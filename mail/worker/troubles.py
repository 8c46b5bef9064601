"""What fails at the moment, said once in the log when it begins and once when it is over, whichever threads meet it."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import NamedTuple

from django.db import DatabaseError, InterfaceError, OperationalError

from ses_integration.api import SesError, retry_delay
from workers.wording import BUG, NO_DATABASE

logger = logging.getLogger(__name__)

# Something else may have been repaired meanwhile, and a try costs little.
LONGEST_PAUSE = 30.0
DATABASE = "the database"


class Trouble(NamedTuple):
    """`needs_you`: trying again does not help until a person acts."""

    sentence: str = ""
    needs_you: bool = False


class Troubles:
    """Failures in a row, by what fails. Thread-safe."""

    def __init__(self) -> None:
        self._failures: dict[str, int] = {}
        self._current: dict[str, Trouble] = {}
        self._lock = threading.Lock()
        # The latest failures, for `mail_worker --once`.
        self.sentences: deque[str] = deque(maxlen=20)

    def failed(self, name: str, error: Exception) -> float:
        """Record a failure and log the first in a row. Returns how long to wait before the next try, in seconds."""
        name = DATABASE if isinstance(error, DatabaseError | InterfaceError) else name
        with self._lock:
            number = self._failures[name] = self._failures.get(name, 0) + 1
            needs_you = getattr(error, "needs_attention", not isinstance(error, OperationalError | InterfaceError))
            self._current[name] = Trouble(f"{name}: {_told(error)}", needs_you)
            if number == 1:
                self._tell(name, error)
        known = error if isinstance(error, SesError) else None
        return min(LONGEST_PAUSE, retry_delay(number, error=known).total_seconds())

    def worked(self, *names: str) -> None:
        if not self._failures:
            return
        with self._lock:
            for name in names:
                self._current.pop(name, None)
                if self._failures.pop(name, None):
                    logger.warning("%s works again.", name[0].upper() + name[1:])

    @property
    def worst(self) -> Trouble:
        """What fails at the moment, first what a person must mend. Without a sentence if nothing does."""
        with self._lock:
            return max(self._current.values(), key=lambda trouble: trouble.needs_you, default=Trouble())

    def _tell(self, name: str, error: Exception) -> None:
        sentence, expected = _sentence(error), isinstance(error, SesError | OperationalError | InterfaceError)
        self.sentences.append(f"{name}: {sentence}")
        # A bug needs a traceback; an outage does not.
        logger.log(logging.WARNING if expected else logging.ERROR, "%s: %s", name, sentence, exc_info=not expected)


def _told(error: Exception) -> str:
    """For those who ask for the state. The log has the rest."""
    if isinstance(error, SesError):
        return error.sentence
    return NO_DATABASE if isinstance(error, OperationalError | InterfaceError) else BUG


def _sentence(error: Exception) -> str:
    """For the log."""
    return error.sentence if isinstance(error, SesError) else str(error).strip() or type(error).__name__
