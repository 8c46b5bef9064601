"""Signal receivers: every write to Domain marks the name dirty, and every deletion has a report."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models.signals import post_delete, post_save, pre_delete
from django.dispatch import receiver
from django.utils import timezone

from domains.deletion.record import initial_values, keep_readers, record_deleted
from domains.models import Domain, DomainDeletion, Step
from ses_integration.api import mark_dirty

# The columns that determine what SES should hold.
COMPILED = {
    "name",
    "is_catch_all_enabled",
    "catch_all_endpoint",
    "catch_all_endpoint_id",
    "mail_from_label",
    "mail_from_chosen",
    "deleting_since",
    "restorable_until",
}


@receiver(post_save, sender=Domain, dispatch_uid="domains.mark_saved_domain")
def mark_saved_domain(instance: Domain, update_fields: Collection[str] | None, **_: Any) -> None:
    """Mark after creation and every `save()`. Services that use `QuerySet.update` mark the domain themselves."""
    if update_fields is None or COMPILED.intersection(update_fields):
        mark_dirty(instance.name)


@receiver(pre_delete, sender=Domain, dispatch_uid="domains.record_deletion")
def record_deletion(instance: Domain, **_: Any) -> None:
    """Complete the deletion's report, or create it if no service has (cascade, `QuerySet.delete`, shell).

    Runs before anything is deleted, while the rows can still be counted.
    """
    records = DomainDeletion.objects.for_good().filter(domain_id=instance.pk)
    if records.filter(rows=Step.DONE).exists():
        return
    # Reverse accessors of models in the app above: addresses.BlockedEmail and addresses.EmailAddress.
    deleted = {
        "rows": Step.DONE,
        "rows_at": timezone.now(),
        "blocked_emails": instance.blocked_emails.count(),
        "email_addresses": instance.email_addresses.count(),
        "dns_records": instance.dns_records.count(),
    }
    # By cascade or in a shell, also in the middle of a grace period.
    records.in_grace().update(restorable_until=None, grace_ended_at=timezone.now())
    if not records.update(**deleted):
        report = DomainDeletion.objects.create(domain_id=instance.pk, **deleted, **initial_values(instance))
        keep_readers(instance, report)
        record_deleted(instance, report)


@receiver(post_delete, sender=Domain, dispatch_uid="domains.mark_deleted_domain")
def mark_deleted_domain(instance: Domain, **_: Any) -> None:
    mark_dirty(instance.name)
