"""What exports and imports have in common: an archive in the bucket that the mail worker works on, turn by turn."""

from __future__ import annotations

from typing import Any, ClassVar, Self, TypeVar

from django.db import models
from django.db.models import Case, Exists, OuterRef, Q, When
from django.db.models.functions import Greatest, Now

from domains.models import SharedQuerySet, key_prefix
from ses_integration.api import StoredArchive

Row = TypeVar("Row", bound="Claimed")


class ClaimedQuerySet(SharedQuerySet[Row]):
    """Rows of domains. Those of domains that are being deleted stay until nothing is left of their archives."""

    def live(self) -> Self:
        """Without those of domains that are being or have been deleted."""
        return self.filter(domain__deleting_since=None)

    def unfinished(self) -> Self:
        return self.filter(state__in=self.model.UNFINISHED)

    def active(self) -> Self:
        """Those that have something in the bucket, or will."""
        return self.filter(state__in=[*self.model.UNFINISHED, *self.model.STORED])

    def due(self) -> Self:
        """Those with something to do that no process has claimed."""
        return self.filter(retry_at__lte=Now())

    def needs_somebody(self) -> Self:
        """Those that wait until a person acts, or have failed and were not asked for again."""
        newer = self.model._default_manager.filter(
            domain=OuterRef("domain_id"), account=OuterRef("account_id"), created_at__gt=OuterRef("created_at")
        )
        failed = Q(state="failed") | Q(state="erasing", ended="failed")
        waits = Q(state__in=self.model.UNFINISHED, stalled=True)
        return self.live().filter(waits | failed & ~Exists(newer), domain_gone=False)

    def end(self) -> int:
        """Let the mail worker end and erase these, because their domain is being deleted. Returns how many there are.

        Needs a transaction. Their processes lose their claims, and store nothing any more.
        """
        nothing_stored = ~Q(state__in=[*self.model.UNFINISHED, *self.model.STORED])
        self.filter(nothing_stored | Q(state="pending", attempts=0)).delete()
        # A call to S3 may be under way until the claim ends.
        under_way = When(state__in=self.model.UNFINISHED, then=Greatest("retry_at", Now()))
        until = Case(under_way, default=Now())
        return self.update(state="erasing", ended=self.model.GONE, domain_gone=True, retry_at=until)


class Claimed(models.Model):
    """A process that works on it has a claim: a `retry_at` in the future. `attempts` tells one claim from later ones.

    A subclass has `state`, with the states `pending`, `failed` and `erasing` and what it adds to them, and `ended`, the state
    after it is erased. `domain` has no constraint in the database: the row outlives that of the domain until nothing is left of the
    archive.
    """

    # States in which a process may work on it, and others in which the bucket has something of it.
    UNFINISHED: ClassVar[tuple[str, ...]]
    STORED: ClassVar[tuple[str, ...]]
    # What it has ended as if its domain is deleted.
    GONE: ClassVar[str]
    # In the bucket.
    FOLDER: ClassVar[str]

    state = models.CharField(max_length=8)
    ended = models.CharField(max_length=8, blank=True)
    domain_id: Any
    domain_name = models.CharField(max_length=253)
    domain_gone = models.BooleanField(default=False, help_text="Whether the row goes when nothing is left of it.")
    bucket = models.CharField(max_length=63)
    created_at = models.DateTimeField(auto_now_add=True)
    progressed_at = models.DateTimeField(default=Now)
    finished_at = models.DateTimeField(null=True, blank=True)
    # Null: nothing to do.
    retry_at = models.DateTimeField(null=True, blank=True, default=Now)
    attempts = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0, help_text="In a row, since the last part.")
    problem = models.CharField(max_length=500, blank=True, help_text="Why it waits or has failed.")
    stalled = models.BooleanField(default=False, help_text="Whether a person must act before it can go on.")

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.domain_name} ({self.pk})"

    @property
    def status(self) -> str:
        """What users read. What is to be erased is gone for them."""
        return str(self.ended if self.state == "erasing" else self.state)

    @property
    def archive(self) -> StoredArchive:
        """Below the key prefix of the domain, so that the deletion of the domain erases it. The sweep ignores folders."""
        return StoredArchive(f"{key_prefix(self.domain_name, self.domain_id)}{self.FOLDER}/{self.pk}.zip", self.bucket)
