"""How a delivery is made, by the type of its endpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mail.delivery.claims import ClaimedDelivery
from mail.delivery.result import Result

# Must not hold a database connection while they wait for an answer.
Attempts = Mapping[str, Callable[[ClaimedDelivery], Result]]

ATTEMPTS: Attempts = {}
