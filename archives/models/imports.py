"""Imports of uploaded archives: what each has created, and its mail until all of it is imported and the archive is erased."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from archives.models.claimed import Claimed, ClaimedQuerySet
from domains.models import Domain
from rest.access.roles import Role
from rest.ids import new_id


def import_id() -> str:
    return new_id("imp_")


class ImportQuerySet(ClaimedQuerySet["Import"]):
    """Imports that the caller has made."""

    owner_column: ClassVar[str] = "account_id"

    def visible_to(self, user: Any, least: Role = Role.VIEWER) -> Self:
        return self.owned_by(user)

    def with_role(self, user: Any) -> Self:
        return self


class Import(Claimed):
    """An archive that an account has imported (docs/architecture/archives.md, "Uploaded archives").

    Its row is written in the transaction that adds the domain. Without mail it is done then.
    """

    class State(models.TextChoices):
        # The request that has uploaded it stores it in the bucket.
        STORING = "storing"
        # It is in the bucket, and its mail waits for the mail worker.
        PENDING = "pending"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        # Its object is to be erased, and then it is what `ended` says.
        ERASING = "erasing"

    UNFINISHED: ClassVar = ("storing", "pending", "running")
    STORED: ClassVar = ("erasing",)
    GONE: ClassVar = "failed"
    FOLDER: ClassVar = "imports"

    id = models.CharField(primary_key=True, max_length=255, default=import_id, editable=False)
    domain = models.ForeignKey(
        Domain, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="imports"
    )
    # Null: the account is gone, and so is its domain.
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="domain_imports", db_index=False
    )
    state = models.CharField(max_length=8, choices=State, default=State.DONE)
    ended = models.CharField(max_length=8, choices=State, blank=True, help_text="The state after it is erased.")
    existed = models.BooleanField(default=False, help_text="Whether the account had the domain: then only mail is new.")
    created = models.JSONField(default=dict, blank=True, help_text="How many rows of each kind are new.")
    ids = models.JSONField(default=dict, blank=True, help_text="The new id of each row of the archive, by kind.")
    to_fill_in = models.JSONField(
        default=list, blank=True, help_text="A sentence for each thing that it does not have."
    )
    warning = models.TextField(blank=True)

    # Of the archive in the bucket.
    bytes = models.PositiveBigIntegerField(default=0)
    tag = models.CharField(max_length=255, blank=True, help_text="S3's tag of the object.")
    # Of the mail.
    with_mail = models.BooleanField(default=False)
    mails = models.PositiveIntegerField(default=0, help_text="How many mails the archive has.")
    stored = models.PositiveIntegerField(default=0, help_text="Mails that it has stored.")
    existing = models.PositiveIntegerField(default=0, help_text="Mails that the domain had.")
    missing = models.PositiveIntegerField(default=0, help_text="Mails that the archive does not have.")
    folder = models.PositiveIntegerField(default=0, help_text="The folder of the last mail that is done.")
    line = models.PositiveIntegerField(default=0, help_text="Its line in the index of that folder.")

    objects = ImportQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["storing", "pending", "running", "done", "failed", "erasing"]),
                name="import_state",
            ),
            # Two would store the same mail.
            models.UniqueConstraint(
                fields=["domain"],
                condition=Q(state__in=["storing", "pending", "running"]),
                name="one_unfinished_import",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "-created_at"], name="imports_of_account"),
            models.Index(fields=["domain"], name="imports_of_domain"),
            models.Index(fields=["retry_at"], condition=Q(retry_at__isnull=False), name="imports_due"),
            models.Index(fields=["-created_at"], name="imports_newest_first"),
        ]

    @property
    def status(self) -> str:
        return "pending" if self.state == self.State.STORING else super().status

    @property
    def new_rows(self) -> dict[str, int]:
        """How many rows of each kind it has created besides the domain."""
        return {kind: self.created.get(kind, 0) for kind in ("addresses", "blockedEmails", "endpoints")}

    @property
    def new_ids(self) -> dict[str, dict[str, str]] | None:
        """None if the account had the domain."""
        return self.ids or None

    @property
    def mail(self) -> dict[str, int] | None:
        """None if mail was not asked for."""
        if not self.with_mail:
            return None
        return {"total": self.mails, "stored": self.stored, "existing": self.existing, "missing": self.missing}
