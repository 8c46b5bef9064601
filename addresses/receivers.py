"""Signal receivers: every write to EmailAddress marks its domain dirty."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from addresses.models import EmailAddress
from domains.names import domain_of
from ses_integration.api import mark_dirty

# The columns that determine what SES should hold. The endpoint is not one of them.
COMPILED = {"address", "domain", "domain_id", "is_active", "slot"}


@receiver(post_save, sender=EmailAddress, dispatch_uid="addresses.mark_saved_address")
def mark_saved_address(instance: EmailAddress, created: bool, update_fields: Collection[str] | None, **_: Any) -> None:
    """Mark after creation and every `save()`. Services that use `QuerySet.update` mark the domain themselves."""
    if update_fields is None or COMPILED.intersection(update_fields):
        _mark(instance, certain=created)


@receiver(post_delete, sender=EmailAddress, dispatch_uid="addresses.mark_deleted_address")
def mark_deleted_address(instance: EmailAddress, **_: Any) -> None:
    """Mark after every deletion: by the service, a cascade, `QuerySet.delete` or the shell.

    Takes the domain's name from the address, because reading the parent would cost a query for each row of a cascade.
    """
    _mark(instance, certain=False)


def _mark(instance: EmailAddress, *, certain: bool) -> None:
    # Not certain: an instance that is saved or deleted may be older than its row, so its slot may be wrong. The services lock the
    # row and mark first, so this mark adds nothing to theirs.
    slot = instance.__dict__.get("slot")
    known = slot if type(slot) is int else None
    mark_dirty(domain_of(instance.address), slot=known, row=instance.pk, certain=certain)
