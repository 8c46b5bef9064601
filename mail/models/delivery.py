"""Deliveries: what is sent to an endpoint about a received email, with every attempt."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any, Self

from django.conf import settings
from django.db import connection, models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from domains.models import DomainAccess
from endpoints.models import Endpoint
from mail.models.received import ReceivedEmail
from rest.access.rows import has_shares
from rest.ids import bare_id

# After the last pause: it may last a fifth longer, and the attempt itself takes time.
MARGIN = 1.25
# SQL: the time of SQLite, as Django stores times. `format` takes what is added to it, such as ", '+5 seconds'".
SQLITE_TIME = "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW'{})"


# The problem of a delivery whose domain was being deleted when it was due.
WITHDRAWN_WITH_DOMAIN = "The domain is being deleted."


def lifetime() -> timedelta:
    """How long a delivery is tried: all pauses, and a margin."""
    return timedelta(seconds=60 + MARGIN * sum(settings.WEBHOOK_RETRY_SECONDS))


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def live(self) -> Self:
        """Without deliveries of domains that are being or have been deleted."""
        return self.filter(received__domain__deleting_since=None)

    def without_mail_of(self, domains: Collection[str]) -> Self:
        """Without deliveries of these domains: with `MailCountQuerySet.without_live_domain`, the same as `live()`.

        For counts of many: mostly there are no such domains, and then no other table is read.
        """
        if not domains:
            return self
        return self.exclude(Exists(ReceivedEmail.objects.filter(pk=OuterRef("received_id"), domain__in=domains)))

    def of_domains_visible_to(self, user: Any) -> Self:
        """Deliveries to the user's endpoints, and those of mail of domains that are shared with them."""
        own = Q(endpoint__owner=user.pk)
        if not has_shares(user):
            return self.filter(own)
        shared = DomainAccess.objects.filter(user=user.pk).values("domain")
        return self.filter(own | Q(received__domain_id__in=shared))

    def due(self) -> Self:
        """Deliveries that still have to be made, whenever that may be."""
        return self.filter(state=Delivery.State.DUE)

    def renew(self) -> int:
        """Give those that are due their whole time again."""
        return self.due().update(expires_at=Now() + lifetime())

    def to_resume(self) -> Self:
        """Withdrawn with their domain."""
        return self.filter(state=Delivery.State.WITHDRAWN, problem=WITHDRAWN_WITH_DOMAIN)

    def resume(self) -> int:
        """Make those due again that were withdrawn with their domain: it was restored. Needs a transaction."""
        withdrawn = self.to_resume()
        withdrawn._lock()
        return withdrawn.update(
            state=Delivery.State.DUE, retry_at=Now(), finished_at=None, problem="", expires_at=Now() + lifetime()
        )

    def delete_with_attempts(self) -> int:
        """Delete these with their attempts, without signals. Returns how many deliveries there were. Needs a transaction."""
        self._lock()
        for child in (DeliveryAttempt, ForwardRecipient):
            rows: models.QuerySet[models.Model] = child._default_manager.filter(delivery__in=self.values("pk"))
            rows._raw_delete(rows.db)
        return self._raw_delete(self.db)

    def delete_some(self, most: int) -> int:
        """The same for up to `most` of these. Returns how many there were."""
        return self.model._default_manager.filter(
            pk__in=list(self.values_list("pk", flat=True)[:most])
        ).delete_with_attempts()

    def _lock(self) -> None:
        """Wait for whoever is recording an attempt: it would be left behind. Reads no rows, which may be a million.

        In one order, because two may lock some of the same.
        """
        rows = self.select_for_update(of=("self",)).order_by("pk").values("pk")
        sql, parameters = rows.query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT COUNT(*) FROM ({sql}) AS locked", parameters)  # noqa: S608 - made by Django


class Delivery(models.Model):
    """One received email on its way to one endpoint (docs/architecture/delivery.md, "Rows").

    A process that has `leased_until` in the future works on it. `attempts` counts the leases, and tells one from later ones.
    """

    class State(models.TextChoices):
        DUE = "due"
        DELIVERED = "delivered"
        DEAD = "dead", "Given up"
        WITHDRAWN = "withdrawn"

    id = models.CharField(primary_key=True, max_length=255, default=bare_id, editable=False)
    # The constraint below begins with it. Whoever deletes received emails deletes their deliveries first.
    received = models.ForeignKey(ReceivedEmail, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    # Django would load all of them to delete them. `mail.receivers` does it.
    endpoint = models.ForeignKey(Endpoint, on_delete=models.DO_NOTHING, related_name="deliveries", db_index=False)
    state = models.CharField(max_length=9, choices=State, default=State.DUE)
    attempts = models.PositiveIntegerField(default=0)
    attempts_before = models.PositiveIntegerField(
        default=0, help_text="Attempts before it was last asked for again: the schedule counts from there."
    )
    retry_at = models.DateTimeField(null=True, blank=True, default=Now, help_text="When the next attempt may begin.")
    leased_until = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(help_text="When it is given up, however few attempts were possible.")
    last_attempt_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    response = models.JSONField(default=dict, blank=True, help_text="`responseData` of the API, from the last attempt.")
    problem = models.CharField(max_length=500, blank=True, help_text="Why it waits, or is dead.")
    # What the body of a webhook says of its endpoint, so that it stays the same on every attempt.
    endpoint_name = models.CharField(max_length=255)
    payload = models.CharField(max_length=5, default="full")
    body_digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the body of the first attempt.")
    created_at = models.DateTimeField(default=Now)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["received", "endpoint"], name="delivery_once_per_endpoint"),
            models.CheckConstraint(
                condition=Q(state__in=["due", "delivered", "dead", "withdrawn"]), name="delivery_state"
            ),
        ]
        indexes = [
            # What to claim next: the endpoints that have something due, and the oldest of each.
            models.Index(fields=["endpoint", "retry_at"], condition=Q(state="due"), name="deliveries_due"),
            models.Index(fields=["endpoint"], condition=Q(leased_until__isnull=False), name="deliveries_leased"),
            models.Index(fields=["expires_at"], condition=Q(state="due"), name="deliveries_by_expiry"),
            # The log of an endpoint, newest first, and its numbers without the table.
            models.Index(
                fields=["endpoint", "-created_at", "-id"],
                include=["state", "last_attempt_at"],
                name="deliveries_newest_first",
            ),
            # Counted without the table, and listed newest first. What is delivered never gets into it.
            models.Index(
                fields=["-created_at", "-id"],
                include=["endpoint", "received", "finished_at"],
                condition=Q(state="dead"),
                name="deliveries_dead",
            ),
            # The list of all, in the admin.
            models.Index(fields=["-created_at", "-id"], name="deliveries_by_age"),
            # What a restore of the domain makes due again.
            models.Index(
                fields=["received"],
                condition=Q(state="withdrawn", problem=WITHDRAWN_WITH_DOMAIN),
                name="deliveries_to_resume",
            ),
        ]

    def __str__(self) -> str:
        return self.pk

    @property
    def webhook_id(self) -> str:
        """What a receiver knows it by: the same on every attempt."""
        return f"msg_{self.pk}"


class DeliveryAttempt(models.Model):
    """One attempt at a delivery. Kept for DELIVERY_LOG_DAYS."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="log", db_index=False)
    number = models.PositiveIntegerField()
    at = models.DateTimeField(default=Now)
    seconds = models.FloatField(null=True, blank=True)
    status_code = models.PositiveIntegerField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)
    excerpt = models.TextField(blank=True, help_text="The beginning of the answer, at most 2,000 characters.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["delivery", "number"], name="attempt_once_per_number")]
        indexes = [models.Index(fields=["at"], name="attempts_by_age")]

    def __str__(self) -> str:
        return f"{self.delivery_id} {self.number}"


class ForwardRecipient(models.Model):
    """One address that a delivery forwards to, so that nobody gets a second copy because another one's send failed."""

    class State(models.TextChoices):
        PENDING = "pending"
        SENT = "sent"
        FAILED = "failed"
        BOUNCED = "bounced"
        COMPLAINED = "complained"

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="recipients", db_index=False)
    address = models.CharField(max_length=320)
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    ses_message_id = models.CharField("SES message id", max_length=255, blank=True)
    error = models.CharField(max_length=500, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["delivery", "address"], name="forward_once_per_address"),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "sent", "failed", "bounced", "complained"]), name="forward_state"
            ),
        ]
        indexes = [
            models.Index(fields=["sent_at"], condition=Q(state__in=["bounced", "complained"]), name="forwards_bounced")
        ]

    def __str__(self) -> str:
        return self.address
