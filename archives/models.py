"""Exports: one archive of a domain, from the request until it is erased, and the parts that are stored of it."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Case, Exists, OuterRef, Q, When
from django.db.models.functions import Greatest, Now

from archives.format.writer import Written
from domains.models import Domain, SharedQuerySet
from domains.models.domain import key_prefix
from rest.access.roles import Role
from rest.ids import new_id
from ses_integration.api import StoredArchive


def export_id() -> str:
    return new_id("exp_")


class ExportQuerySet(SharedQuerySet["Export"]):
    """Exports of domains that the caller sees, as far as they have asked for them."""

    def live(self) -> Self:
        """Without exports of domains that are being or have been deleted."""
        return self.filter(domain__deleting_since=None)

    def visible_to(self, user: Any, least: Role = Role.VIEWER) -> Self:
        return super().visible_to(user, least).filter(account_id=user.pk)

    def unfinished(self) -> Self:
        return self.filter(state__in=[Export.State.PENDING, Export.State.RUNNING])

    def active(self) -> Self:
        """Exports that have something in the bucket, or will."""
        return self.exclude(state__in=[Export.State.FAILED, Export.State.EXPIRED])

    def due(self) -> Self:
        """Exports with something to do that no process has claimed."""
        return self.filter(retry_at__lte=Now())

    def needs_somebody(self) -> Self:
        """Exports that wait until a person acts, or have failed and were not asked for again."""
        newer = Export.objects.filter(
            domain=OuterRef("domain_id"), account=OuterRef("account_id"), created_at__gt=OuterRef("created_at")
        )
        failed = Q(state=Export.State.FAILED) | Q(state=Export.State.ERASING, ended=Export.State.FAILED)
        waits = Q(state__in=[Export.State.PENDING, Export.State.RUNNING], stalled=True)
        return self.filter(waits | failed & ~Exists(newer), domain_gone=False)

    def end(self) -> int:
        """Let the mail worker end and erase these, because their domain is being deleted. Returns how many there are.

        Needs a transaction. Their processes lose their claims, and do not write a part any more.
        """
        State = Export.State
        # Nothing is in the bucket.
        self.filter(Q(state__in=[State.FAILED, State.EXPIRED]) | Q(state=State.PENDING, attempts=0)).delete()
        # A call to S3 may be under way until the claim ends.
        until = Case(When(state__in=[State.PENDING, State.RUNNING], then=Greatest("retry_at", Now())), default=Now())
        return self.update(state=State.ERASING, ended=State.EXPIRED, domain_gone=True, retry_at=until)


class Export(models.Model):
    """One archive of a domain, for one account (docs/architecture/archives.md, "Export").

    A process that works on it has a claim: a `retry_at` in the future. `attempts` tells one claim from later ones. `domain` has
    no constraint in the database: the row outlives that of the domain until nothing is left of the archive.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        RUNNING = "running"
        READY = "ready"
        FAILED = "failed"
        # Its object or upload is to be erased, and then it is what `ended` says.
        ERASING = "erasing"
        EXPIRED = "expired"

    id = models.CharField(primary_key=True, max_length=255, default=export_id, editable=False)
    domain = models.ForeignKey(
        Domain, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="exports"
    )
    domain_name = models.CharField(max_length=253)
    domain_gone = models.BooleanField(default=False, help_text="Whether the row goes when nothing is left of it.")
    # Null: the account is gone, and the archive expires all the same.
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="domain_exports", db_index=False
    )
    includes_secrets = models.BooleanField(default=False)
    state = models.CharField(max_length=8, choices=State, default=State.PENDING)
    ended = models.CharField(max_length=8, choices=State, blank=True, help_text="The state after it is erased.")
    bucket = models.CharField(max_length=63)
    upload = models.CharField(max_length=1024, blank=True, help_text="S3's id of the upload.")

    # Of the parts that are stored.
    parts = models.PositiveIntegerField(default=0)
    bytes = models.PositiveBigIntegerField(default=0, help_text="Size of the archive so far.")
    entries = models.PositiveBigIntegerField(default=0)
    counts = models.JSONField(default=dict, blank=True)
    is_whole = models.BooleanField(default=False, help_text="Whether all parts are stored.")
    # When it was asked for.
    mails = models.PositiveIntegerField(default=0, help_text="How many mails there were at the beginning.")
    mail_bytes = models.PositiveBigIntegerField(default=0)

    created_at = models.DateTimeField(auto_now_add=True)
    progressed_at = models.DateTimeField(default=Now)
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    # Null: nothing to do.
    retry_at = models.DateTimeField(null=True, blank=True, default=Now)
    attempts = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0, help_text="In a row, since the last part.")
    problem = models.CharField(max_length=500, blank=True, help_text="Why it waits or has failed.")
    stalled = models.BooleanField(default=False, help_text="Whether a person must act before it can go on.")

    objects = ExportQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["pending", "running", "ready", "failed", "erasing", "expired"]),
                name="export_state",
            ),
            # Asked for twice, it would only take twice as long.
            models.UniqueConstraint(
                fields=["domain", "account"],
                condition=Q(state__in=["pending", "running"]),
                name="one_unfinished_export",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "-created_at"], name="exports_of_account"),
            models.Index(fields=["domain"], name="exports_of_domain"),
            models.Index(fields=["retry_at"], condition=Q(retry_at__isnull=False), name="exports_due"),
            models.Index(fields=["-created_at"], name="exports_newest_first"),
        ]

    def __str__(self) -> str:
        return f"{self.domain_name} ({self.pk})"

    @property
    def status(self) -> str:
        """What users read. What is to be erased is gone for them."""
        return self.ended if self.state == self.State.ERASING else self.state

    @property
    def archive(self) -> StoredArchive:
        """Below the key prefix of the domain, so that the deletion of the domain erases it. The sweep ignores folders."""
        return StoredArchive(f"{key_prefix(self.domain_name, self.domain_id)}exports/{self.pk}.zip", self.bucket)


class ExportPart(models.Model):
    """A stored part of an archive that is not finished. Deleted when it is."""

    export = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="stored_parts", db_index=False)
    number = models.PositiveIntegerField()
    tag = models.CharField(max_length=255)
    directory = models.BinaryField(help_text="Records of its entries for the end of the archive, compressed.")
    files = models.JSONField(help_text="Name, bytes and SHA-256 of its files for the manifest.")
    mails = models.BinaryField(help_text="Keys of its mails, eight bytes each.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["export", "number"], name="part_once_per_number")]

    def __str__(self) -> str:
        return f"{self.export_id} {self.number}"

    @property
    def written(self) -> list[Written]:
        return [Written(*file) for file in self.files]
