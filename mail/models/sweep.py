"""How far the sweep has come with each domain, and how long the queue was when a worker last looked."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from domains.models import Domain


class MailSweep(models.Model):
    """The sweep of one domain's prefix in the bucket. A process claims it with a `due_at` in the future.

    `domain` has no constraint in the database (see `Message`).
    """

    domain = models.OneToOneField(Domain, on_delete=models.DO_NOTHING, db_constraint=False, related_name="mail_sweep")
    # The last key of the pass that is under way. Empty between passes.
    cursor = models.CharField(max_length=1024, blank=True)
    started_at = models.DateTimeField(null=True, blank=True, help_text="When the pass that is under way began.")
    finished_at = models.DateTimeField(null=True, blank=True, help_text="When the last complete pass ended.")
    seconds = models.FloatField(default=0, help_text="How long the last complete pass took.")
    found = models.PositiveBigIntegerField(default=0, help_text="Mail that only sweeps have found, in all passes.")
    due_at = models.DateTimeField()
    # Mail from before the domain, or before this installation received mail, is listed and not delivered.
    deliver_since = models.DateTimeField(
        default=timezone.now, help_text="Mail that arrived earlier and that only a sweep has found is not delivered."
    )
    problem = models.CharField(max_length=500, blank=True)

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="mail_sweeps_due")]

    def __str__(self) -> str:
        return self.domain_id


class QueueLength(models.Model):
    """Notifications in a queue of SQS, as a mail worker has last measured. `problem`: why that is not known, as a sentence."""

    url = models.CharField(max_length=500, unique=True)
    waiting = models.PositiveIntegerField(default=0)
    in_flight = models.PositiveIntegerField(default=0)
    dead_letters = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=500, blank=True)
    measured_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.url.rpartition("/")[2]
