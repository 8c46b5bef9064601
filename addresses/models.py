"""Email addresses and blocked emails."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models, transaction
from django.db.models import Case, Exists, F, Min, OuterRef, Q, Value, When

from domains.models import Domain
from rest.ids import bare_id
from ses_integration.api import RecordedRecipients


class EmailAddressQuerySet(models.QuerySet["EmailAddress"]):
    def live(self) -> Self:
        """Without addresses of domains that are being deleted, which the API no longer shows."""
        return self.filter(domain__deleting_since=None)

    def active(self) -> Self:
        return self.filter(is_active=True)

    def owned_by(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        return self.filter(domain__owner_id=user.pk)

    def with_rule_name(self) -> Self:
        """Add `receipt_rule_name`: the recorded rule of an active address, its own or the catch-all's; else None."""
        rule = RecordedRecipients().rule_name("address", "domain__name")
        return self.annotate(receipt_rule_name=Case(When(is_active=True, then=rule), default=Value(None)))

    def configured(self, configured: bool) -> Self:
        """Addresses that SES is known to receive for, by their own rule or the catch-all's; if not `configured`, all others."""
        known = Q(is_active=True) & RecordedRecipients().exists("address", "domain__name")
        return self.filter(known if configured else ~known)

    def next_free_slot(self) -> int:
        """The lowest slot that these addresses, all of one domain, do not use; one statement. Lock the domain's row first.

        Inactive addresses keep their slot, so that they can be activated again. Slots of deleted addresses are reused.
        """
        following = self.filter(slot=OuterRef("slot") + 1)
        found = self.aggregate(first=Min("slot"), gap=Min(F("slot") + 1, filter=~Q(Exists(following))))
        return 0 if found["first"] != 0 else found["gap"]


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

    class Meta:
        verbose_name_plural = "email addresses"
        constraints = [models.UniqueConstraint(fields=["domain", "slot"], name="slot_once_per_domain")]
        indexes = [
            models.Index(fields=["domain", "-created_at"], name="addresses_of_domain"),
            # Counts, without reading the rows.
            models.Index(fields=["domain", "is_active"], name="addresses_counted"),
            # A page of an owner's addresses, newest first, without sorting.
            models.Index(fields=["-created_at", "id"], name="addresses_newest_first"),
        ]

    def __str__(self) -> str:
        return self.address

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Give a new row its slot, and commit the row and its outbox mark in one transaction, as `Domain.save` does.

        `bulk_create` does not call this, so it needs rows with slots.
        """
        if self._state.adding and self.__dict__.get("slot") is None:
            self.slot = EmailAddress.objects.filter(domain_id=self.domain_id).next_free_slot()
        with transaction.atomic(savepoint=False):
            super().save(*args, **kwargs)


class BlockedEmailQuerySet(models.QuerySet["BlockedEmail"]):
    def live(self) -> Self:
        """Without blocks of domains that are being deleted."""
        return self.filter(domain__deleting_since=None)

    def owned_by(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        return self.filter(domain__owner_id=user.pk)


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
