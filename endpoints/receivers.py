"""Signal receiver: turn off catch-alls that use a deleted endpoint."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import pre_delete
from django.dispatch import receiver

from domains.lifecycle.catch_all import release_endpoint
from endpoints.models import Endpoint


@receiver(pre_delete, sender=Endpoint, dispatch_uid="endpoints.release_deleted_endpoint")
def release_deleted_endpoint(instance: Endpoint, **_: Any) -> None:
    """Release the endpoint before every deletion: by the service, `QuerySet.delete`, the shell or a cascade from the owner."""
    release_endpoint(instance.pk)
