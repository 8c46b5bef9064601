"""Received emails: a mail as one of its recipients sees it. This is what the API calls an email."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from domains.models import Domain, SharedQuerySet
from mail.models.counts import counted_before_full_hour
from mail.models.message import Message
from rest.ids import bare_id


class ReceivedEmailQuerySet(SharedQuerySet["ReceivedEmail"]):
    owner_column = "owner_id"

    def live(self) -> Self:
        """Without mail of domains that are being or have been deleted. A mail that is being erased has no rows here."""
        return self.filter(domain__deleting_since=None)

    def delete_with_deliveries(self) -> int:
        """Delete these and their deliveries, without signals. Returns how many received emails there were. Needs a transaction."""
        # First, so that nobody adds a delivery meanwhile, and in the order of `mail/marks.py`, which may be changing them.
        list(self.select_for_update(of=("self",)).order_by("pk").values_list("pk"))
        # By name, because the module of that model imports this one.
        apps.get_model("mail.Delivery")._default_manager.filter(received__in=self.values("pk")).delete_with_attempts()
        return self._raw_delete(self.db)

    def resume(self) -> None:
        """Go on with what has stopped because their domain was deleted: it was restored. Needs a transaction."""
        apps.get_model("mail.Delivery")._default_manager.filter(received__in=self.values("pk")).resume()
        # Read when there was no live domain, so they are read again, and then routed.
        not_routed = self.filter(disposition=ReceivedEmail.Disposition.RECEIVED, message__state=Message.State.INGESTED)
        Message.objects.filter(pk__in=not_routed.values("message")).update(
            state=Message.State.ARRIVED, retry_at=Now(), ingested_at=None
        )

    def before_full_hour(self, *moments: datetime) -> list[int]:
        """How many of these came between each time and the next full hour. See `MailCountQuerySet.since`."""
        return counted_before_full_hour(self, moments)


class ReceivedEmail(models.Model):
    """A mail for one envelope recipient.

    `domain` and `owner` have no constraint in the database (see `Message`). The rows of a mail that is to be erased are deleted
    in the transaction that sets its state, so lists and counts need not look at the state. `arrived_at` is that of the message,
    here for the index. `recipient` is empty if nothing says who it was for.
    """

    class Disposition(models.TextChoices):
        # It is routed when its mail has been read.
        RECEIVED = "received", "Not routed yet"
        ROUTED = "routed", "Routed to an endpoint"
        STORED = "stored", "Stored only"
        BLOCKED = "blocked"
        QUARANTINED = "quarantined"

    id = models.CharField(primary_key=True, max_length=255, default=bare_id, editable=False)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="received_emails", db_index=False)
    domain = models.ForeignKey(
        Domain, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="received_emails"
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    recipient = models.CharField(max_length=320, blank=True)
    arrived_at = models.DateTimeField()
    disposition = models.CharField(max_length=11, choices=Disposition, default=Disposition.RECEIVED)
    route = models.JSONField(
        default=dict, blank=True, help_text="Where it was routed to, and why (mail/routing/route.py)."
    )
    is_read = models.BooleanField(default=False)
    read_at = models.DateTimeField(null=True, blank=True)
    is_archived = models.BooleanField(default=False)
    archived_at = models.DateTimeField(null=True, blank=True)

    objects = ReceivedEmailQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["message", "recipient"], name="received_once_per_recipient"),
            models.CheckConstraint(
                condition=Q(disposition__in=["received", "routed", "stored", "blocked", "quarantined"]),
                name="received_disposition",
            ),
        ]
        indexes = [
            # A page of an owner's mail, newest first, without sorting, and skipping without the table.
            models.Index(fields=["owner", "-arrived_at", "-id"], include=["domain"], name="received_newest_first"),
            models.Index(
                fields=["owner", "-arrived_at", "-id"],
                include=["domain"],
                condition=Q(is_archived=False),
                name="unarchived_newest_first",
            ),
            models.Index(fields=["domain", "arrived_at"], name="received_by_domain"),
            # The list of all, in the admin.
            models.Index(fields=["-arrived_at", "-id"], name="received_by_age"),
            models.Index(
                fields=["disposition", "arrived_at"],
                condition=Q(disposition__in=["blocked", "quarantined"]),
                name="received_held_back",
            ),
        ]

    def __str__(self) -> str:
        return self.recipient

    @property
    def updated_at(self) -> datetime:
        """When its answer last changed."""
        moments = (self.message.noted_at, self.message.ingested_at, self.read_at, self.archived_at)
        return max(moment for moment in moments if moment)
