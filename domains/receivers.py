"""What every door to a domain's row has in common: SES must follow, and a deletion has its record."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models.signals import post_delete, post_save, pre_delete
from django.dispatch import receiver
from django.utils import timezone

from domains.deletion.record import values_at_the_start
from domains.models import Domain, DomainDeletion
from ses_integration.api import mark_dirty

# The columns that decide what SES should hold.
COMPILED = {"name", "is_catch_all_enabled", "catch_all_endpoint", "deleting_since"}


@receiver(post_save, sender=Domain, dispatch_uid="domains.mark_saved_domain")
def mark_saved_domain(instance: Domain, update_fields: Collection[str] | None, **_: Any) -> None:
    """Guards creation and every save in the admin and the shell; services that use `QuerySet.update` mark themselves."""
    if update_fields is None or COMPILED.intersection(update_fields):
        mark_dirty(instance.name)


@receiver(pre_delete, sender=Domain, dispatch_uid="domains.record_deletion")
def record_deletion(instance: Domain, **_: Any) -> None:
    """Guards the admin, cascades, `QuerySet.delete` and the shell, which have no record yet; the service's own stays.

    Before anything goes, because afterwards nobody can tell what there was.
    """
    records = DomainDeletion.objects.filter(domain_id=instance.pk)
    if records.filter(rows=DomainDeletion.Step.DONE).exists():
        return
    # Reverse accessors of the app above: addresses.BlockedEmail and addresses.EmailAddress.
    gone = {
        "rows": DomainDeletion.Step.DONE,
        "rows_at": timezone.now(),
        "blocked_emails": instance.blocked_emails.count(),
        "email_addresses": instance.email_addresses.count(),
        "dns_records": instance.dns_records.count(),
    }
    if not records.update(**gone):
        DomainDeletion.objects.create(domain_id=instance.pk, **gone, **values_at_the_start(instance))


@receiver(post_delete, sender=Domain, dispatch_uid="domains.mark_deleted_domain")
def mark_deleted_domain(instance: Domain, **_: Any) -> None:
    mark_dirty(instance.name)
