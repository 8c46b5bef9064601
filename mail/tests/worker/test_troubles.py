"""What the state says of a failure: it is shown to every owner."""

from __future__ import annotations

import pytest
from django.db import DataError, IntegrityError, OperationalError

from mail.worker.troubles import Troubles
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
