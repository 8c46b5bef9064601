from __future__ import annotations

import pytest

from archives.imports import mails


@pytest.fixture(autouse=True)
def read_mail(settings, ses):
    settings.MAIL_SOURCE, settings.MAIL_SWEEP_GRACE_SECONDS = "sweep", 0


@pytest.fixture
def small_batches(monkeypatch):
    """Batches of two mails."""
    monkeypatch.setattr(mails, "BATCH", 2)
