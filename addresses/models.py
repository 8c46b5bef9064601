"""Email addresses, tombstones of deleted ones, and blocked emails."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import Case, ExpressionWrapper, Q, Value, When
from django.db.models.functions import Now

from domains.models import Domain, SharedQuerySet
from rest.ids import bare_id
from ses_integration.api import RecordedRecipients


class EmailAddressQuerySet(SharedQuerySet["EmailAddress"]):
    def live(self) -> Self:
        """Without addresses of domains that are being deleted, which the API no longer shows."""
        return self.filter(domain__deleting_since=None)

    def active(self) -> Self:
        return self.filter(is_active=True)

    def with_now(self) -> Self:
        """Add `now`, the database's time."""
        return self.annotate(now=Now())

    def with_rule_name(self) -> Self:
        """Add `receipt_rule_name`: the recorded rule of an active address, its own or the catch-all's; else None."""
        rule = RecordedRecipients().rule_name("address", "domain__name")
        return self.annotate(receipt_rule_name=Case(When(is_active=True, then=rule), default=Value(None)))

    def configured(self, configured: bool) -> Self:
        """Addresses that SES is known to receive for, by their own rule or the catch-all's; if not `configured`, all others."""
        known = Q(is_active=True) & RecordedRecipients().exists("address", "domain__name")
        return self.filter(known if configured else ~known)


# Numbers the slots from 0: the first one with another number follows a gap, and the count is the next one if there is no gap.
# Prebuilt SQL, because the domain is locked meanwhile, and the ORM would take ten times as long.
_PLACE = """
    WITH slots AS (
      SELECT slot, ROW_NUMBER() OVER (ORDER BY slot) - 1 AS place FROM addresses_emailaddress WHERE domain_id = %s
    )
    SELECT COALESCE(MIN(place) FILTER (WHERE slot <> place), COUNT(*)),
      EXISTS (SELECT 1 FROM addresses_deletedaddress WHERE address = %s) FROM slots
"""


def _place_for(domain_id: str, address: str) -> tuple[int, bool]:
    """The lowest slot that no address of the domain uses, and whether the new address has a tombstone.

    Lock the domain's row first. Inactive addresses keep their slot, so that they can be activated again. Slots of deleted
    addresses are reused.
    """
    with connection.cursor() as cursor:
        cursor.execute(_PLACE, [domain_id, address])
        ((slot, has_tombstone),) = cursor.fetchall()
    return int(slot), bool(has_tombstone)


class EmailAddress(models.Model):
    id = models.CharField(primary_key=True, max_length=255, default=bare_id, editable=False)
    address = models.CharField(max_length=320, unique=True)
    # The indexes and the constraint below begin with the domain, so it needs no index of its own.
    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="email_addresses", db_index=False)
    # Named by a string, because endpoints is an app above this one.
    endpoint = models.ForeignKey(
        "endpoints.Endpoint", on_delete=models.SET_NULL, null=True, blank=True, related_name="email_addresses"
    )
    is_active = models.BooleanField(default=True)
    # Determines the address's rule within its domain. It never changes, so that a change of addresses touches few rules.
    slot = models.PositiveIntegerField(editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = EmailAddressQuerySet.as_manager()

    # Set by `with_rule_name()`.
    receipt_rule_name: str | None
    # Set by `with_now()`.
    now: datetime

    class Meta:
        verbose_name_plural = "email addresses"
        constraints = [
            models.UniqueConstraint(fields=["domain", "slot"], name="slot_once_per_domain"),
            # domains/provider.py separates addresses by line breaks.
            models.CheckConstraint(condition=~Q(address__contains="\n"), name="address_is_one_line"),
        ]
        indexes = [
            models.Index(fields=["domain", "-created_at"], name="addresses_of_domain"),
            # A page of an owner's addresses, newest first, without sorting.
            models.Index(fields=["-created_at", "id"], name="addresses_newest_first"),
            # Inactive ones, without passing all the others.
            models.Index(fields=["-created_at", "id"], condition=Q(is_active=False), name="inactive_newest_first"),
        ]

    def __str__(self) -> str:
        return self.address

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Give a new row its slot, and commit the row and its outbox mark in one transaction, as `Domain.save` does.

        A tombstone of the address goes. `bulk_create` does not call this, so it needs rows with slots and without tombstones.
        """
        has_tombstone = False
        if self._state.adding and self.__dict__.get("slot") is None:
            self.slot, has_tombstone = _place_for(self.domain_id, self.address)
        with transaction.atomic(savepoint=False):
            if has_tombstone:
                DeletedAddress.objects.filter(address=self.address).delete()
            super().save(*args, **kwargs)


_RESTORABLE = Q(restorable_until__gt=Now())


class DeletedAddressQuerySet(SharedQuerySet["DeletedAddress"]):
    def live(self) -> Self:
        """Without those of domains that are being deleted."""
        return self.filter(domain__deleting_since=None)

    def restorable(self, restorable: bool = True) -> Self:
        """Those whose grace period has not ended, by the database's clock; if not `restorable`, all others."""
        return self.filter(_RESTORABLE if restorable else ~_RESTORABLE)

    def with_restorable(self) -> Self:
        """Add `is_restorable`, by the same clock."""
        return self.annotate(is_restorable=ExpressionWrapper(_RESTORABLE, models.BooleanField()))


class DeletedAddress(models.Model):
    """The tombstone of a deleted address: a catch-all does not get its mail, and within the grace period it can be restored.

    It outlives the grace period. It goes when the address is restored or added again, when somebody lifts it, and with the
    domain.
    """

    # That of the deleted address, which gets it back.
    id = models.CharField(primary_key=True, max_length=255, editable=False)
    address = models.CharField(max_length=320, unique=True)
    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="deleted_addresses")
    # No constraint: it stays when the endpoint is deleted, so that a restore can say that it is gone. Ids are not used again.
    endpoint = models.ForeignKey(
        "endpoints.Endpoint",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        blank=True,
        related_name="+",
    )
    is_active = models.BooleanField()
    # Of the address.
    created_at = models.DateTimeField()
    deleted_at = models.DateTimeField()
    restorable_until = models.DateTimeField()

    objects = DeletedAddressQuerySet.as_manager()

    # Set by `with_restorable()`.
    is_restorable: bool

    class Meta:
        verbose_name_plural = "deleted addresses"
        indexes = [models.Index(fields=["-deleted_at", "id"], name="tombstones_newest_first")]

    def __str__(self) -> str:
        return self.address


class BlockedEmailQuerySet(SharedQuerySet["BlockedEmail"]):
    def live(self) -> Self:
        """Without blocks of domains that are being deleted."""
        return self.filter(domain__deleting_since=None)


class BlockedEmail(models.Model):
    """An unwanted address of a catch-all domain. SES receives its mail all the same."""

    id = models.CharField(primary_key=True, max_length=255, default=bare_id, editable=False)
    email_address = models.CharField(max_length=320, unique=True)
    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="blocked_emails")
    reason = models.CharField(max_length=500, blank=True)
    blocked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="blocked_emails"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = BlockedEmailQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["-created_at", "id"], name="blocked_newest_first")]

    def __str__(self) -> str:
        return self.email_address
