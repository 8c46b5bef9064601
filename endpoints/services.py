"""Services for every write to an endpoint. They validate the config, so API and admin cannot store an invalid one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from domains.lifecycle.catch_all import CATCH_ALL_FAILED
from domains.models import Domain
from endpoints.config_schema import changed_config, clean_config, group_emails
from endpoints.models import Endpoint
from ses_integration.api import SyncState, changing, reconcile, shared_deadline, unconfirmed_warning


class EndpointChanges(TypedDict, total=False):
    """The fields of an endpoint that can change. A missing key leaves the field as it is."""

    name: str
    description: str
    is_active: bool
    config: object


@dataclass(frozen=True, slots=True)
class EndpointDeletion:
    """What a deletion affected: addresses that lost their route, and domains that lost their catch-all.

    `group_emails`: the number of addresses in a deleted group. `warning`: a sentence if SES has not confirmed yet.
    """

    email_addresses: list[str]
    domains: list[str]
    group_emails: int
    warning: str | None


def create_endpoint(
    *, owner: AbstractBaseUser, name: str, endpoint_type: str, config: object, description: str = ""
) -> Endpoint:
    """Create an endpoint. Raises ConfigError if `config` is not valid for `endpoint_type`."""
    return Endpoint.objects.create(
        owner_id=owner.pk,
        name=name,
        type=endpoint_type,
        config=clean_config(endpoint_type, config),
        description=description,
    )


def update_endpoint(*, endpoint: Endpoint, **changes: Unpack[EndpointChanges]) -> Endpoint:
    """Change the given fields and return the stored row. A new config replaces the old one completely.

    Raises ConfigError if the config is not valid for the type, Endpoint.DoesNotExist if the row has been deleted meanwhile.
    """
    values: dict[str, Any] = {**changes}
    if "config" in values:
        values["config"] = changed_config(endpoint.type, values["config"], endpoint.config)
    with transaction.atomic(durable=True):
        row = Endpoint.objects.select_for_update().get(pk=endpoint.pk)
        for field, value in values.items():
            setattr(row, field, value)
        row.save(update_fields=[*values, "updated_at"])
    return row


def delete_endpoint(*, endpoint: Endpoint) -> EndpointDeletion:
    """Delete the row, its routes and its catch-alls, and wait up to the deadline until SES has dropped the catch-alls.

    Addresses that lose their route still receive mail. Raises Endpoint.DoesNotExist if the row has been deleted meanwhile.
    """
    with shared_deadline():
        with changing() as change:
            _lock_domains(endpoint)
            row = Endpoint.objects.select_for_update().get(pk=endpoint.pk)
            domains = sorted(row.catch_all_domains.live().values_list("name", flat=True))
            addresses = row.email_addresses.select_for_update(of=("self",)).order_by("pk")
            detached = [address for address in addresses.select_related("domain") if not address.domain.deleting_since]
            row.email_addresses.update(endpoint=None, updated_at=timezone.now())
            # The receiver turns the catch-alls off and marks their domains.
            row.delete()
        for name, generation in change.generations.items():
            reconcile(name, generation)
        return EndpointDeletion(
            email_addresses=sorted(address.address for address in detached),
            domains=domains,
            group_emails=len(group_emails(row.type, row.config) or []),
            warning=_warning(domains),
        )


def _lock_domains(endpoint: Endpoint) -> None:
    """Lock the domains that the deletion affects, before the endpoint and the addresses.

    Adding an address and deleting a domain lock in the same order. The opposite order could deadlock.
    """
    # `email_addresses` and `catch_all_domains` are reverse accessors that the apps below define.
    routed = Q(pk__in=endpoint.email_addresses.values("domain"))
    domains = Domain.objects.filter(routed | Q(catch_all_endpoint=endpoint))
    list(domains.select_for_update().order_by("pk").values_list("pk"))


def _warning(domains: list[str]) -> str | None:
    errors = [state.error for state in SyncState.by_domain(domains).values() if state.pending]
    return unconfirmed_warning(CATCH_ALL_FAILED, error=next(filter(None, errors), "")) if errors else None
