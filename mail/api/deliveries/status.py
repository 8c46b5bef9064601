"""The words of the API for what becomes of emails and deliveries (docs/api/compatibility.md, "Deliveries")."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from endpoints.deliveries import numbers, shown_stats
from mail.models import ReceivedEmail
from mail.status.outcome import OUTCOMES, outcome
from rest.fields import OrNull, like


def stats_of_email(email: ReceivedEmail) -> Any:
    """How many deliveries an email has. One statement."""
    return shown_stats(email.deliveries.aggregate(**numbers()))


class EmailStatus(serializers.Field[Any, Any, Any, Any]):
    """What has become of an email, from its newest delivery, and without one from its routing."""

    schema: ClassVar[dict[str, Any]] = {"type": "string", "enum": OUTCOMES}

    def __init__(self) -> None:
        super().__init__(read_only=True, source="*")

    def to_representation(self, value: Any) -> str:
        return outcome(value)


class EmailRoute(serializers.Field[Any, Any, Any, Any]):
    """Where an email was routed to, and why. Null before that."""

    schema: ClassVar[dict[str, Any]] = like(
        OrNull({"matched": OrNull("address"), "endpointId": OrNull("dC7pQ2xVb9sKfJ0aLmN4e"), "reason": "address"})
    )

    def __init__(self) -> None:
        super().__init__(read_only=True)

    def to_representation(self, value: Any) -> Any:
        return value or None
