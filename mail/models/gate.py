"""Gates: what is remembered of an endpoint that does not take its mail."""

from __future__ import annotations

from django.db import models

from endpoints.models import Endpoint

# Failures in a row that close the gate of an endpoint.
GATE_CLOSES_AFTER = 5


class EndpointGate(models.Model):
    """How an endpoint has answered lately. Only an endpoint with something to remember has one.

    Nothing is delivered before `not_before`. After several failures in a row only one delivery at a time passes.
    """

    endpoint = models.OneToOneField(Endpoint, on_delete=models.CASCADE, primary_key=True, related_name="gate")
    failures = models.PositiveIntegerField(default=0, help_text="In a row.")
    gone = models.PositiveIntegerField(default=0, help_text="Answers 410 in a row.")
    bounces = models.PositiveIntegerField(default=0, help_text="Permanent bounces in a row.")
    dropped = models.JSONField(
        default=dict, blank=True, help_text="Addresses that nothing is forwarded to any more, each with the reason."
    )
    not_before = models.DateTimeField(null=True, blank=True)
    is_slow = models.BooleanField(default=False, help_text="Its last answer took long.")
    down_since = models.DateTimeField(null=True, blank=True, help_text="When the first of these failures was.")
    problem = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name = "endpoint with problems"
        verbose_name_plural = "endpoints with problems"

    def __str__(self) -> str:
        return self.endpoint.name

    @property
    def health(self) -> str:
        """A word for how an active endpoint takes its mail: the next part of `Endpoint.health`."""
        if self.down_since is None:
            return "slow" if self.is_slow else "active"
        return "down" if self.failures >= GATE_CLOSES_AFTER else "failing"
