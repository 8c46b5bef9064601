"""What every door to a domain's row has in common: SES must follow, and a deletion has its record."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from domains.models import Domain, DomainDeletion
from ses_integration import marks

# The columns that decide what SES should hold.
COMPILED = {"name", "is_catch_all_enabled", "catch_all_endpoint", "deleting_since"}


@receiver(post_save, sender=Domain, dispatch_uid="domains.mark_saved_domain")
def mark_saved_domain(instance: Domain, update_fields: Collection[str] | None, **_: Any) -> None:
    """Guards creation and every save in the admin and the shell; services that use `QuerySet.update` mark themselves."""
    if update_fields is None or COMPILED.intersection(update_fields):
        marks.mark(instance.name)


@receiver(post_delete, sender=Domain, dispatch_uid="domains.record_deleted_domain")
def record_deleted_domain(instance: Domain, **_: Any) -> None:
    """Guards the admin, cascades, `QuerySet.delete` and the shell, which have no record yet; the service's own stays."""
    DomainDeletion.objects.get_or_create(
        domain_id=instance.pk,
        defaults={"name": instance.name, "owner_id": instance.owner_id, "rows": DomainDeletion.Step.DONE},
    )
    marks.mark(instance.name)
