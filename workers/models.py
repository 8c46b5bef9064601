"""Worker processes."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class WorkerKind(models.TextChoices):
    """What a worker does. The value is also the command that starts it."""

    SES = "ses_worker", "SES worker"
    MAIL = "mail_worker", "mail worker"


def here() -> str:
    """The region and rule set that this process is configured for."""
    return f"{settings.AWS_REGION}, rule set {settings.SES_RULE_SET}"


class Worker(models.Model):
    """One process of a worker. It writes its row while it runs, so a row that is old is a process that hangs or is gone."""

    PROBLEM_LENGTH = 500

    kind = models.CharField(max_length=20, choices=WorkerKind)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    version = models.CharField(max_length=50)
    # For another region or rule set it does nothing of what waits here. Workers of earlier versions did not say.
    place = models.CharField(max_length=200, blank=True, default="", db_default="")
    started_at = models.DateTimeField()
    last_round_at = models.DateTimeField()
    # A task that has failed, as a sentence, and since when one has; empty once everything works.
    problem = models.CharField(max_length=PROBLEM_LENGTH, blank=True)
    needs_you = models.BooleanField(
        default=False, db_default=False, help_text="Whether a person must act before the task works."
    )
    problem_since = models.DateTimeField(null=True, blank=True)
    # When it has ended as it was asked to.
    stopped_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["kind", "-last_round_at"], name="workers_last_round")]

    def __str__(self) -> str:
        return f"{self.host} pid {self.pid}"
