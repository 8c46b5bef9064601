"""Signal receiver: delete the deliveries of a deleted endpoint."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import pre_delete
from django.dispatch import receiver

from endpoints.models import Endpoint
from mail.models import Delivery


@receiver(pre_delete, sender=Endpoint, dispatch_uid="mail.delete_deliveries_of_endpoint")
def delete_deliveries_of_endpoint(instance: Endpoint, **_: Any) -> None:
    """Delete them before every deletion of their endpoint, in SQL, because there may be a million.

    That of the service, `QuerySet.delete`, the shell, or a cascade from the owner.
    """
    Delivery.objects.filter(endpoint=instance.pk).delete_with_attempts()
