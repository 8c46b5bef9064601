"""What the state says of a failure: it is shown to every owner."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import DataError, IntegrityError, OperationalError

from mail.worker.troubles import Trouble, Troubles
from mail.worker.worker import MailWorker
from ses_integration.api import SesError

HIDDEN = "Failing row contains (hello@others.example); connection to 10.0.0.7 failed for user inbound"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OperationalError(HIDDEN), "the database: The database cannot be used."),
        (IntegrityError(HIDDEN), "the database: It failed because of a bug; the log of the worker says more."),
        (DataError(HIDDEN), "the database: It failed because of a bug; the log of the worker says more."),
        (ValueError(HIDDEN), "the ingest: It failed because of a bug; the log of the worker says more."),
        (SesError("S3 is slow."), "the ingest: S3 is slow."),
    ],
    ids=lambda value: type(value).__name__,
)
def test_only_our_own_sentences_are_told_to_owners(error: Exception, sentence: str) -> None:
    troubles = Troubles()
    troubles.failed("the ingest", error)
    assert troubles.worst.sentence == sentence


def test_a_thread_that_hangs_or_has_ended_needs_you() -> None:
    worker = MailWorker()
    assert worker.trouble() == Trouble()
    worker._senders[0].began = time.monotonic() - 800
    assert worker.trouble() == Trouble()
    worker._senders[0].began = time.monotonic() - 901
    assert worker.trouble() == Trouble(
        "the deliveries: no progress for 15 minutes. Start the worker again.", needs_you=True
    )
    ended = threading.Thread(name="the sweep 1")
    assert worker.trouble([ended]).sentence.startswith("the sweep 1: the thread has ended.")
