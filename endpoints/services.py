"""Services for every write to an endpoint. They validate the config, so API and admin cannot store an invalid one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from audit.actions import Action
from audit.record import Entry, members, record, record_all, record_change
from domains.lifecycle.catch_all import CATCH_ALL_FAILED
from domains.models import Domain
from endpoints.changes import forwards, signing_secrets
from endpoints.config_schema import (
    Config,
    ConfigError,
    changed_config,
    clean_config,
    group_emails,
    split_secret,
    with_token,
)
from endpoints.models import Endpoint
from endpoints.webhooks import signing
from endpoints.webhooks.target import Refused, check_url
from ses_integration.api import SyncState, changing, reconcile, shared_deadline, unconfirmed_warning

REASON_LIMIT = 500
CONFIG_FIELDS = ("config", *signing_secrets.FIELDS)


# Deliveries that are deleted in one transaction.
AT_ONCE = 10_000


class EndpointChanges(TypedDict, total=False):
    """The fields of an endpoint that can change. A missing key leaves the field as it is."""

    name: str
    description: str
    is_active: bool
    config: object


@dataclass(frozen=True, slots=True)
class EndpointDeletion:
    """What a deletion affected: addresses that lost their route, and domains that lost their catch-all.

    `group_emails`: the number of addresses in a deleted group. `deliveries`: the number of deliveries that are gone with it.
    `warning`: a sentence if SES has not confirmed yet.
    """

    email_addresses: list[str]
    domains: list[str]
    group_emails: int
    deliveries: int
    warning: str | None


def create_endpoint(
    *, owner: AbstractBaseUser, name: str, endpoint_type: str, config: object, description: str = ""
) -> Endpoint:
    """Create an endpoint. Raises ConfigError if `config` is not valid for `endpoint_type`.

    May ask DNS. The result has a `warning`. A webhook without a secret gets one.
    """
    cleaned = clean_config(endpoint_type, config)
    endpoint = Endpoint(owner_id=owner.pk, name=name, type=endpoint_type, description=description)
    warning = check(endpoint, cleaned)
    set_config(endpoint, cleaned)
    with transaction.atomic(durable=True):
        endpoint.save(force_insert=True)
        record(Entry.of(Action.ADDED, endpoint, endpoint.owner_id, after=recorded(endpoint)))
    endpoint.warning = warning
    return endpoint


def update_endpoint(*, endpoint: Endpoint, **changes: Unpack[EndpointChanges]) -> Endpoint:
    """Change the given fields and return the stored row, with a `warning`. May ask DNS.

    A new config replaces the old one, but a webhook keeps its secret and its token if the new one has none. Another secret
    rotates it. Raises ConfigError if the config is not valid for the type, Endpoint.DoesNotExist if the row has been deleted
    meanwhile.
    """
    values: dict[str, Any] = {**changes}
    config, warning = None, ""
    if "config" in values:
        config = changed_config(endpoint.type, values.pop("config"), endpoint.config)
        warning = check(endpoint, config)
    if values.get("is_active"):
        values["inactive_reason"] = ""
    with transaction.atomic(durable=True):
        # Without the key: mail may be routed to it meanwhile.
        row = Endpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
        if config is not None or values.get("is_active", False) > row.is_active:
            _begin_anew(row)
        before, hidden = recorded(row), (row.config, row.sealed_secret)
        for field, value in values.items():
            setattr(row, field, value)
        if config is not None:
            set_config(row, config)
        row.save(update_fields=[*values, *(CONFIG_FIELDS if config is not None else ()), "updated_at"])
        after = recorded(row)
        if (row.config, row.sealed_secret) != hidden and before["config"] == after["config"]:
            after["secrets"] = "changed"
        record_change(row, row.owner_id, before, after)
    row.warning = warning
    return row


def rotate_secret(*, endpoint: Endpoint, secret: str = "") -> Endpoint:
    """Give a webhook this signing secret, or a new one, and return the stored row. The previous one signs for another day.

    Raises signing_secrets.NoSecret for other types, Endpoint.DoesNotExist if the row has been deleted meanwhile.
    """
    secret = secret or signing.new_secret()
    with transaction.atomic(durable=True):
        row = Endpoint.objects.select_for_update().get(pk=endpoint.pk)
        signing_secrets.replace(row, secret)
        row.save(update_fields=[*signing_secrets.FIELDS, "updated_at"])
        record(Entry.of(Action.ROTATED, row, row.owner_id, after=members(row, "previous_secret_until")))
    row.warning = signing.warning(secret)
    return row


def switch_off(endpoint_id: str, reason: str) -> bool:
    """Deactivate an endpoint on behalf of inbound, with a sentence for its owner. False if it is inactive or gone already."""
    active = Endpoint.objects.filter(pk=endpoint_id, is_active=True)
    why = reason[:REASON_LIMIT]
    with transaction.atomic():
        if not active.update(is_active=False, inactive_reason=why, updated_at=timezone.now()):
            return False
        row = Endpoint.objects.only("name", "owner_id").get(pk=endpoint_id)
        record(Entry.of(Action.SWITCHED_OFF, row, row.owner_id, after={"isActive": False, "inactiveReason": why}))
    return True


def recorded(row: Endpoint) -> dict[str, Any]:
    """What the audit log has of an endpoint."""
    return {**members(row, "name", "type", "description", "is_active"), "config": row.public_config}


def _begin_anew(row: Endpoint) -> None:
    """Forget how it has failed: it is switched on again, or goes elsewhere. What waits for it has its time anew by `updated_at`."""
    # A reverse accessor that the app above defines.
    if hasattr(row, "gate"):
        row.gate.delete()


def check(endpoint: Endpoint, config: Config, *, dns_seconds: float = math.inf) -> str:
    """What the owner should know about a valid config of this endpoint. Raises ConfigError if it cannot be used.

    Asks DNS or the database, so not inside a transaction.
    """
    if endpoint.type != Endpoint.Type.WEBHOOK:
        return forwards.check(endpoint, config)
    try:
        warning = check_url(config["url"], seconds=dns_seconds)
    except Refused as error:
        raise ConfigError(str(error), "url") from error
    _, secret = split_secret(config)
    return " ".join(filter(None, [warning, signing.warning(secret) if secret else ""]))


def set_config(row: Endpoint, config: Config) -> None:
    if row.type == Endpoint.Type.WEBHOOK:
        config, secret = split_secret(config)
        config = with_token(config, row.config or {})
        if secret or not row.sealed_secret:
            signing_secrets.replace(row, secret or signing.new_secret())
    row.config = config


def delete_endpoint(*, endpoint: Endpoint) -> EndpointDeletion:
    """Delete the row, its routes and its catch-alls, and wait up to the deadline until SES has dropped the catch-alls.

    Addresses that lose their route still receive mail. Raises Endpoint.DoesNotExist if the row has been deleted meanwhile.
    """
    with shared_deadline():
        deleted = _delete_old_deliveries(endpoint)
        with changing() as change:
            _lock_domains(endpoint)
            row = Endpoint.objects.select_for_update().get(pk=endpoint.pk)
            domains = sorted(row.catch_all_domains.live().values_list("name", flat=True))
            addresses = row.email_addresses.select_for_update(of=("self",)).order_by("pk")
            routed = list(addresses.select_related("domain"))
            detached = [address for address in routed if not address.domain.deleting_since]
            row.email_addresses.update(endpoint=None, updated_at=timezone.now())
            # The row is locked, so none is added.
            deleted += row.deliveries.count()
            routes = (
                Entry.of(
                    Action.CHANGED,
                    address,
                    address.domain.owner_id,
                    before={"endpointId": row.pk},
                    after={"endpointId": None},
                )
                for address in routed
                # A domain in its grace period may come back, without these routes.
                if not address.domain.deleting_since or address.domain.restorable_until
            )
            record_all([Entry.of(Action.DELETED, row, row.owner_id, before=recorded(row)), *routes])
            # Receivers delete the deliveries, turn the catch-alls off and mark their domains.
            row.delete()
        for name, generation in change.generations.items():
            reconcile(name, generation)
        return EndpointDeletion(
            email_addresses=sorted(address.address for address in detached),
            domains=domains,
            group_emails=len(group_emails(row.type, row.config) or []),
            deliveries=deleted,
            warning=_warning(domains),
        )


def _delete_old_deliveries(endpoint: Endpoint) -> int:
    """Delete all but the last few, in transactions of their own: a million take half a minute, and arriving mail would wait."""
    deleted = 0
    while (rows := endpoint.deliveries.all())[AT_ONCE : AT_ONCE + 1].exists():
        with transaction.atomic(durable=True):
            deleted += rows.delete_some(AT_ONCE)
    return deleted


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
