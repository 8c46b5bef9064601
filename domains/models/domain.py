"""Domains."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q, Sum
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce
from django.utils import timezone

from domains.models.access import DomainAccess, SharedQuerySet
from rest.access.roles import Deed
from rest.ids import domain_id
from rest.prebuilt import Parameter, Prebuilt
from rest.row_counts.field import RowCount
from ses_integration.api import MailFolder, RecordedRecipients, SyncState

# Of the MAIL FROM domain of a new identity.
MAIL_FROM_LABEL = "mail"

# Others cannot get these names: of live domains, and of deleted ones that can be restored.
HELD = Q(deleting_since=None) | Q(restorable_until__isnull=False)
RECEIVING = Q(status="verified", can_receive_emails=True)


class DomainQuerySet(SharedQuerySet["Domain"]):
    owner_column = "owner_id"
    domain_column = "pk"

    def live(self) -> Self:
        """Without domains that are being deleted, which the API no longer shows."""
        return self.filter(deleting_since=None)

    def held(self) -> Self:
        """Live domains, and deleted ones in their grace period."""
        return self.filter(HELD)

    def receiving(self) -> Self:
        return self.live().filter(RECEIVING)

    def not_receiving(self) -> Self:
        """Live domains that have been verified, and have lost their verification or have no MX record for SES."""
        return self.live().filter(~RECEIVING, verified_at__isnull=False)

    def total(self, count: Combinable | str) -> int:
        """The sum of a count over all these domains."""
        total: int = self.aggregate(total=Coalesce(Sum(count), 0))["total"]
        return total

    def with_catch_all_state(self) -> Self:
        """Add `catch_all_rule_name`, the recorded rule that receives mail for the whole domain, or None; and `ses_pending`,
        whether the domain is not up to date in SES."""
        return self.annotate(
            catch_all_rule_name=RecordedRecipients().rule_name("name"),
            ses_pending=Exists(SyncState.pending_names().filter(domain=OuterRef("name"))),
        )


class Domain(models.Model):
    """A domain that receives mail. Its deletion sets `deleting_since` first, and deletes the row later.

    While `restorable_until` is set too, the deletion is in its grace period: the row stays (docs/architecture/deletion.md,
    "Grace period").
    """

    class Status(models.TextChoices):
        PENDING = "pending"
        VERIFIED = "verified"
        FAILED = "failed"

    class Confidence(models.TextChoices):
        HIGH = "high"
        MEDIUM = "medium"
        LOW = "low"

    id = models.CharField(primary_key=True, max_length=255, default=domain_id, editable=False)
    name = models.CharField(max_length=253, unique=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="domains")
    status = models.CharField(max_length=8, choices=Status, default=Status.PENDING)
    status_reason = models.TextField(blank=True, help_text="Why the domain is not verified.")
    # Since when nobody has proven it, or its verification is lost. Null while it is verified.
    unverified_since = models.DateTimeField(default=timezone.now, null=True, blank=True)
    # When the worker began to check it often. Unlike `unverified_since`, the owner can begin anew.
    checking_since = models.DateTimeField(default=timezone.now)
    # When the last check that is stored began.
    last_check = models.DateTimeField(null=True, blank=True)
    # Kept when the verification is lost.
    verified_at = models.DateTimeField(null=True, blank=True)
    # When the owner has proven the name with a TXT record, because somebody else had a claim to it.
    proven_at = models.DateTimeField(null=True, blank=True)
    # Since when DNS has lacked a required record. Null: none was missing when DNS last answered.
    missing_since = models.DateTimeField("required DNS record missing since", null=True, blank=True)
    # Null: no more checks by the worker.
    next_check = models.DateTimeField(default=timezone.now, null=True, blank=True)
    can_receive_emails = models.BooleanField(default=True)
    has_mx_records = models.BooleanField("has MX records", default=False)
    dns_provider = models.CharField("DNS provider", max_length=64, blank=True)
    provider_confidence = models.CharField(max_length=6, choices=Confidence, blank=True)
    last_dns_check = models.DateTimeField("last DNS check", null=True, blank=True)
    is_catch_all_enabled = models.BooleanField(default=False)
    # Named by a string, because endpoints is an app above this one.
    catch_all_endpoint = models.ForeignKey(
        "endpoints.Endpoint", on_delete=models.SET_NULL, null=True, blank=True, related_name="catch_all_domains"
    )
    mail_from_label = models.CharField("MAIL FROM label", max_length=63, default=MAIL_FROM_LABEL)
    mail_from_chosen = models.BooleanField(
        "MAIL FROM chosen",
        default=False,
        help_text="By the owner. Otherwise an identity that exists keeps what it has.",
    )
    receive_dmarc_emails = models.BooleanField("receive DMARC emails", default=False)
    deleting_since = models.DateTimeField(null=True, blank=True, editable=False)
    restorable_until = models.DateTimeField(null=True, blank=True, editable=False)
    # Lists sum them for their totals.
    address_count = RowCount()
    active_address_count = RowCount()
    blocked_email_count = RowCount()
    dns_record_count = RowCount()
    share_count = RowCount()
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = DomainQuerySet.as_manager()

    # Set by `with_catch_all_state()`.
    catch_all_rule_name: str | None
    ses_pending: bool
    # Set by `domains.deletion.service.delete_rows`.
    has_archives: bool

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(status__in=["pending", "verified", "failed"]), name="domain_status"),
            models.CheckConstraint(
                condition=Q(provider_confidence__in=["", "high", "medium", "low"]), name="domain_provider_confidence"
            ),
            models.CheckConstraint(
                condition=Q(restorable_until=None) | Q(deleting_since__isnull=False),
                name="only_deleted_domain_is_restorable",
            ),
        ]
        # Only live domains, so that counting them reads nothing but an index.
        indexes = [
            models.Index(fields=["owner", "-created_at"], condition=Q(deleting_since=None), name="domains_of_owner"),
            models.Index(
                fields=["owner", "status", "-created_at"], condition=Q(deleting_since=None), name="domains_by_status"
            ),
            models.Index(
                fields=["owner", "can_receive_emails", "-created_at"],
                condition=Q(deleting_since=None),
                name="domains_by_can_receive",
            ),
            models.Index(fields=["next_check"], condition=Q(deleting_since=None), name="domains_by_next_check"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Commit the row and its outbox mark in one transaction: Django's own ends before the receiver marks."""
        with transaction.atomic(savepoint=False):
            super().save(*args, **kwargs)

    @property
    def key_prefix(self) -> str:
        """Where SES stores this domain's mail. It contains the id, so a domain that is added again has another prefix."""
        return key_prefix(self.name, self.pk)

    @property
    def mail(self) -> MailFolder:
        return MailFolder(self.key_prefix)

    @property
    def is_only_claimed(self) -> bool:
        """Whether nobody has ever proven that the domain is the owner's."""
        return self.status != self.Status.VERIFIED and self.verified_at is None and self.proven_at is None

    @property
    def mail_from(self) -> str:
        """The MAIL FROM domain that the owner has chosen, or that a new identity gets."""
        return mail_from(self.name, self.mail_from_label)

    @property
    def receives_everything(self) -> bool:
        return self.is_catch_all_enabled and self.catch_all_endpoint_id is not None


_live_and_locked = Prebuilt(lambda: Domain.objects.live().select_for_update().filter(pk=Parameter("pk")))


def lock_live_domain(pk: str, member: Any = None, deed: Deed = Deed.OTHER) -> Domain:
    """Lock the domain until the transaction ends. Raises Domain.DoesNotExist if it is being deleted or gone.

    `member`: somebody with whom it is shared, whose role must still allow the deed. It locks their access, too, so nobody takes
    it back meanwhile.
    """
    if member is None:
        return _live_and_locked.get(pk=pk)
    for domain in DomainAccess.lock([pk], member, deed):
        return domain
    raise Domain.DoesNotExist


def key_prefix(name: str, pk: str) -> str:
    """Where SES stores the mail of the domain with this name and id, in the bucket."""
    return f"emails/{name}/{pk}/"


def mail_from(name: str, label: str) -> str:
    return f"{label}.{name}"
