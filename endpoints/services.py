"""Every write to an endpoint. The config is cleaned here, so that no door stores one that is not valid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from domains.lifecycle.catch_all import CATCH_ALL_FAILED
from domains.models import Domain
from endpoints.config_schema import clean_config, group_emails
from endpoints.models import Endpoint
from ses_integration.api import pending, shared_deadline, unconfirmed_warning


class EndpointChanges(TypedDict, total=False):
    """What of an endpoint can be changed; its type cannot. Absent means: leave it."""

    name: str
    description: str
    is_active: bool
    config: object


@dataclass(frozen=True, slots=True)
class EndpointDeletion:
    """What went with the endpoint: where it was the route, and a sentence if SES has not followed yet."""

    email_addresses: list[str]
    domains: list[str]
    group_emails: int
    warning: str | None


def create_endpoint(
    *, owner: AbstractBaseUser, name: str, endpoint_type: str, config: object, description: str = ""
) -> Endpoint:
    """Raises ConfigError when `config` is not one of `endpoint_type`."""
    return Endpoint.objects.create(
        owner_id=owner.pk,
        name=name,
        type=endpoint_type,
        config=clean_config(endpoint_type, config),
        description=description,
    )


def update_endpoint(*, endpoint: Endpoint, **changes: Unpack[EndpointChanges]) -> Endpoint:
    """Change what is given, and return the row as stored. A config replaces the whole one.

    Raises ConfigError when the config is not one of the endpoint's type, Endpoint.DoesNotExist when the row went meanwhile.
    """
    values: dict[str, Any] = {**changes}
    if "config" in values:
        values["config"] = clean_config(endpoint.type, values["config"])
    with transaction.atomic(durable=True):
        row = Endpoint.objects.select_for_update().get(pk=endpoint.pk)
        for field, value in values.items():
            setattr(row, field, value)
        row.save(update_fields=[*values, "updated_at"])
    return row


def delete_endpoint(*, endpoint: Endpoint) -> EndpointDeletion:
    """Delete the row, detach what is routed to it, and wait within the budget for SES to drop its catch-alls.

    An address that loses its route still receives, so SES does not change for it. Raises Endpoint.DoesNotExist when the
    row went meanwhile.
    """
    with shared_deadline():
        with transaction.atomic(durable=True):
            _lock_domains(endpoint)
            row = Endpoint.objects.select_for_update().get(pk=endpoint.pk)
            domains = sorted(row.catch_all_domains.live().values_list("name", flat=True))
            addresses = row.email_addresses.select_for_update(of=("self",)).order_by("pk")
            detached = [address for address in addresses.select_related("domain") if not address.domain.deleting_since]
            row.email_addresses.update(endpoint=None, updated_at=timezone.now())
            # The receiver switches the catch-alls off and marks them; the nudges run when the block has committed.
            row.delete()
        return EndpointDeletion(
            email_addresses=sorted(address.address for address in detached),
            domains=domains,
            group_emails=len(group_emails(row.type, row.config) or []),
            warning=_warning(domains),
        )


def _lock_domains(endpoint: Endpoint) -> None:
    """Lock the domains that the endpoint's deletion touches, before the endpoint and the addresses.

    Whoever adds an address or deletes a domain locks in this order too, and the other way round the two could deadlock.
    """
    # `email_addresses` and `catch_all_domains` are the reverse accessors of the apps below.
    routed = Q(pk__in=endpoint.email_addresses.values("domain"))
    domains = Domain.objects.filter(routed | Q(catch_all_endpoint=endpoint))
    list(domains.select_for_update().order_by("pk").values_list("pk"))


def _warning(domains: list[str]) -> str | None:
    errors = [state.error for state in pending(domains).values()]
    return unconfirmed_warning(CATCH_ALL_FAILED, error=next(filter(None, errors), "")) if errors else None
