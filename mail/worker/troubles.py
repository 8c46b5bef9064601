"""What fails at the moment, said once in the log when it begins and once when it is over, whichever threads meet it."""

from __future__ import annotations

import logging
import threading
from collections import deque

from django.db import DatabaseError, InterfaceError, OperationalError

from ses_integration.api import SesError, retry_delay

logger = logging.getLogger(__name__)

# Something else may have been repaired meanwhile, and a try costs little.
LONGEST_PAUSE = 30.0
DATABASE = "the database"


class Troubles:
    """Failures in a row, by what fails. Thread-safe."""

    def __init__(self) -> None:
        self._failures: dict[str, int] = {}
        self._lock = threading.Lock()
        # The latest failures, for `mail_worker --once`.
        self.sentences: deque[str] = deque(maxlen=20)

    def failed(self, name: str, error: Exception) -> float:
        """Record a failure and log the first in a row. Returns how long to wait before the next try, in seconds."""
        name = DATABASE if isinstance(error, DatabaseError | InterfaceError) else name
        with self._lock:
            number = self._failures[name] = self._failures.get(name, 0) + 1
            if number == 1:
                self._tell(name, error)
        known = error if isinstance(error, SesError) else None
        return min(LONGEST_PAUSE, retry_delay(number, error=known).total_seconds())

    def worked(self, *names: str) -> None:
        if not self._failures:
            return
        with self._lock:
            for name in names:
                if self._failures.pop(name, None):
                    logger.warning("%s works again.", name[0].upper() + name[1:])

    def _tell(self, name: str, error: Exception) -> None:
        if isinstance(error, SesError):
            sentence, expected = error.sentence, True
        else:
            sentence, expected = (
                str(error).strip() or type(error).__name__,
                isinstance(error, OperationalError | InterfaceError),
            )
        self.sentences.append(f"{name}: {sentence}")
        # A bug needs a traceback; an outage does not.
        logger.log(logging.WARNING if expected else logging.ERROR, "%s: %s", name, sentence, exc_info=not expected)
