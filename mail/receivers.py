"""Signal receivers: delete the deliveries of a deleted endpoint, and tell webhooks of a proven deletion."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import pre_delete
from django.dispatch import receiver

from domains.deletion import report
from domains.deletion.proved import deletion_proved
from domains.models import DomainDeletion
from endpoints.config_schema import DELETION_PROVED
from endpoints.models import Endpoint
from mail.models import Delivery
from mail.webhooks.notices import tell


@receiver(pre_delete, sender=Endpoint, dispatch_uid="mail.delete_deliveries_of_endpoint")
def delete_deliveries_of_endpoint(instance: Endpoint, **_: Any) -> None:
    """Delete them before every deletion of their endpoint, in SQL, because there may be a million.

    That of the service, `QuerySet.delete`, the shell, or a cascade from the owner.
    """
    Delivery.objects.filter(endpoint=instance.pk).delete_with_attempts()


@receiver(deletion_proved, dispatch_uid="mail.tell_of_proven_deletion")
def tell_of_proven_deletion(deletion: DomainDeletion, **_: Any) -> None:
    values = report.as_values(deletion, None)
    tell(
        deletion.owner_id,
        DELETION_PROVED,
        {"deletion": values},
        others=deletion.readers.filter(is_active=True),
        for_others={"deletion": report.for_readers(values)},
    )
