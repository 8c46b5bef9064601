"""What every door to an address's row has in common: SES must follow."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from addresses.models import EmailAddress
from domains.names import domain_of
from ses_integration.api import mark_dirty

# The columns that decide what SES should hold; where an address routes to is none of them.
COMPILED = {"address", "domain", "is_active", "slot"}


@receiver(post_save, sender=EmailAddress, dispatch_uid="addresses.mark_saved_address")
def mark_saved_address(instance: EmailAddress, update_fields: Collection[str] | None, **_: Any) -> None:
    """Guards creation and every save in the admin and the shell; services that use `QuerySet.update` mark themselves."""
    if update_fields is None or COMPILED.intersection(update_fields):
        mark_dirty(domain_of(instance.address))


@receiver(post_delete, sender=EmailAddress, dispatch_uid="addresses.mark_deleted_address")
def mark_deleted_address(instance: EmailAddress, **_: Any) -> None:
    """Guards the service, the admin, cascades, `QuerySet.delete` and the shell.

    The domain's name is in the address: asking the parent for it would be a query for each row of a cascade.
    """
    mark_dirty(domain_of(instance.address))
