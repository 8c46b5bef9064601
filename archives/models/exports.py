"""Exports: one archive of a domain, from the request until it is erased, and the parts that are stored of it."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from archives.format.writer import Written
from archives.models.claimed import Claimed, ClaimedQuerySet
from domains.models import Domain
from rest.access.roles import Role
from rest.ids import new_id


def export_id() -> str:
    return new_id("exp_")


class ExportQuerySet(ClaimedQuerySet["Export"]):
    """Exports of domains that the caller sees, as far as they have asked for them."""

    def visible_to(self, user: Any, least: Role = Role.VIEWER) -> Self:
        return super().visible_to(user, least).filter(account_id=user.pk)


class Export(Claimed):
    """One archive of a domain, for one account (docs/architecture/archives.md, "Export")."""

    class State(models.TextChoices):
        PENDING = "pending"
        RUNNING = "running"
        READY = "ready"
        FAILED = "failed"
        # Its object or upload is to be erased, and then it is what `ended` says.
        ERASING = "erasing"
        EXPIRED = "expired"

    UNFINISHED: ClassVar = ("pending", "running")
    STORED: ClassVar = ("ready", "erasing")
    GONE: ClassVar = "expired"
    FOLDER: ClassVar = "exports"

    id = models.CharField(primary_key=True, max_length=255, default=export_id, editable=False)
    domain = models.ForeignKey(
        Domain, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="exports"
    )
    # Null: the account is gone, and the archive expires all the same.
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="domain_exports", db_index=False
    )
    includes_secrets = models.BooleanField(default=False)
    state = models.CharField(max_length=8, choices=State, default=State.PENDING)
    ended = models.CharField(max_length=8, choices=State, blank=True, help_text="The state after it is erased.")
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

    expires_at = models.DateTimeField(null=True, blank=True)

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
