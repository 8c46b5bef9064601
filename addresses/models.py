from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models, transaction
from django.db.models import Case, Q, Value, When

from addresses.slots import free_slot
from domains.models import Domain
from rest.ids import bare_id
from ses_integration.api import recorded_recipients, rule_name_for


class EmailAddressQuerySet(models.QuerySet["EmailAddress"]):
    def live(self) -> Self:
        """Without those whose domain is being deleted: to the API they are gone already."""
        return self.filter(domain__deleting_since=None)

    def active(self) -> Self:
        return self.filter(is_active=True)

    def owned_by(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        return self.filter(domain__owner_id=user.pk)

    def with_rule_name(self) -> Self:
        """Adds `receipt_rule_name`: the rule that SES is known to hold for an active address, its own or the catch-all's."""
        rule = rule_name_for("address", "domain__name")
        return self.annotate(receipt_rule_name=Case(When(is_active=True, then=rule), default=Value(None)))

    def configured(self, configured: bool) -> Self:
        """The ones that SES is known to receive for, by their own rule or the catch-all's, or the others.

        By two sets that are looked up once, and not by the name of each one's rule: with 100,000 that takes seconds.
        """
        held = recorded_recipients()
        known = Q(is_active=True) & (Q(address__in=held) | Q(domain__name__in=held))
        return self.filter(known if configured else ~known)


class EmailAddress(models.Model):
    id = models.CharField(primary_key=True, max_length=255, default=bare_id, editable=False)
    address = models.CharField(max_length=320, unique=True)
    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="email_addresses")
    # A string, because endpoints stands above addresses.
    endpoint = models.ForeignKey(
        "endpoints.Endpoint", on_delete=models.SET_NULL, null=True, blank=True, related_name="email_addresses"
    )
    is_active = models.BooleanField(default=True)
    # Says which rule of its domain carries it, for life: so one change touches one rule.
    slot = models.PositiveIntegerField(editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = EmailAddressQuerySet.as_manager()

    # Of a row that was read `with_rule_name()`.
    receipt_rule_name: str | None

    class Meta:
        verbose_name_plural = "email addresses"
        constraints = [models.UniqueConstraint(fields=["domain", "slot"], name="slot_once_per_domain")]
        indexes = [
            models.Index(fields=["domain", "-created_at"], name="addresses_of_domain"),
            # A page of all that an owner has, newest first, without sorting them.
            models.Index(fields=["-created_at", "id"], name="addresses_newest_first"),
        ]

    def __str__(self) -> str:
        return self.address

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Gives a new row its slot; `bulk_create`, which does not come by here, must bring its own.

        Row and mark commit together in a shell, too: the receiver marks after Django's own transaction has ended.
        """
        if self._state.adding and self.__dict__.get("slot") is None:
            self.slot = free_slot(EmailAddress.objects.filter(domain_id=self.domain_id))
        with transaction.atomic(savepoint=False):
            super().save(*args, **kwargs)


class BlockedEmailQuerySet(models.QuerySet["BlockedEmail"]):
    def live(self) -> Self:
        """Without those whose domain is being deleted."""
        return self.filter(domain__deleting_since=None)

    def owned_by(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        return self.filter(domain__owner_id=user.pk)


class BlockedEmail(models.Model):
    """An address of a catch-all domain whose mail is not wanted."""

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

    def __str__(self) -> str:
        return self.email_address
