"""A message that this process has claimed, with what ingest needs of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

# How long a claim may wait in this process before the work begins.
MAY_WAIT = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class ClaimedMessage:
    """`attempts` tells this claim from later ones. `begin_until`: a value of `time.monotonic()`, after which the work would not
    end before the claim does."""

    pk: int
    attempts: int
    bucket: str
    key: str
    arrived_at: datetime
    begin_until: float = field(default_factory=lambda: time.monotonic() + MAY_WAIT.total_seconds(), compare=False)

    @property
    def is_too_old(self) -> bool:
        return time.monotonic() > self.begin_until
