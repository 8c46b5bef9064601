"""How a delivery is made, by the type of its endpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from endpoints.models import Endpoint
from mail.delivery.claims import ClaimedDelivery
from mail.delivery.result import Result
from mail.forwarding.attempt import attempt as forward
from mail.webhooks.attempt import attempt as post

# They must not hold a database connection while they wait for an answer.
Attempts = Mapping[str, Callable[[ClaimedDelivery], Result]]

ATTEMPTS: Attempts = {Endpoint.Type.WEBHOOK: post, Endpoint.Type.EMAIL: forward, Endpoint.Type.EMAIL_GROUP: forward}
