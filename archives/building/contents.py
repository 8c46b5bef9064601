"""The configuration of a domain as the files of an archive (docs/architecture/archives.md has every member)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import Q

from archives.building.scope import Scope
from archives.format.names import ADDRESSES, BLOCKED, DNS_RECORDS, ENDPOINTS, STATUS_HISTORY
from archives.format.values import exact, exact_or_none
from domains.models import Domain
from endpoints.models import Endpoint

ROWS = 1000


def domain_values(domain: Domain) -> dict[str, Any]:
    return {
        "id": domain.pk,
        "name": domain.name,
        "status": domain.status,
        "statusReason": domain.status_reason or None,
        "verifiedAt": exact_or_none(domain.verified_at),
        "canReceiveEmails": domain.can_receive_emails,
        "hasMxRecords": domain.has_mx_records,
        "isCatchAllEnabled": domain.is_catch_all_enabled,
        "catchAllEndpointId": domain.catch_all_endpoint_id,
        "mailFromLabel": domain.mail_from_label,
        "mailFromChosen": domain.mail_from_chosen,
        "receiveDmarcEmails": domain.receive_dmarc_emails,
        "createdAt": exact(domain.created_at),
        "updatedAt": exact(domain.updated_at),
    }


def _addresses(scope: Scope) -> Iterator[dict[str, Any]]:
    for row in scope.domain.email_addresses.order_by("address").iterator(ROWS):
        yield {
            "id": row.pk,
            "address": row.address,
            "isActive": row.is_active,
            "endpointId": row.endpoint_id,
            "createdAt": exact(row.created_at),
            "updatedAt": exact(row.updated_at),
        }


def _endpoints(scope: Scope) -> Iterator[dict[str, Any]]:
    """Those that mail of the domain is routed to."""
    used = Q(pk__in=scope.domain.email_addresses.values("endpoint")) | Q(pk=scope.domain.catch_all_endpoint_id)
    for row in Endpoint.objects.filter(used, owner=scope.domain.owner_id).order_by("name", "pk").iterator(ROWS):
        yield {"id": row.pk, "name": row.name, "type": row.type, **(_settings(row, scope) if scope.settings else {})}


def _settings(row: Endpoint, scope: Scope) -> dict[str, Any]:
    """Without `secrets`, `***` stands for each, and `secret` is null. It is also null if SECRET_KEY has changed."""
    return {
        "config": row.config if scope.secrets else row.public_config,
        "secret": row.secret if scope.secrets else None,
        "description": row.description or None,
        "isActive": row.is_active,
        "webhookFormat": row.webhook_format,
        "createdAt": exact(row.created_at),
        "updatedAt": exact(row.updated_at),
    }


def _blocked(scope: Scope) -> Iterator[dict[str, Any]]:
    for row in scope.domain.blocked_emails.order_by("email_address").iterator(ROWS):
        yield {
            "id": row.pk,
            "emailAddress": row.email_address,
            "reason": row.reason or None,
            "createdAt": exact(row.created_at),
        }


def _dns_records(scope: Scope) -> Iterator[dict[str, Any]]:
    for row in scope.domain.dns_records.order_by("record_type", "name", "value").iterator(ROWS):
        yield {
            "type": row.record_type,
            "name": row.name,
            "value": row.value,
            "isRequired": row.is_required,
            "state": row.state or None,
            "problem": row.problem or None,
            "lastChecked": exact_or_none(row.last_checked),
        }


def _status_history(scope: Scope) -> Iterator[dict[str, Any]]:
    for row in scope.domain.status_changes.order_by("at", "id").iterator(ROWS):
        yield {"before": row.before, "after": row.after, "reason": row.reason, "at": exact(row.at)}


# By the names of the files.
LISTS: dict[str, Callable[[Scope], Iterator[dict[str, Any]]]] = {
    ENDPOINTS: _endpoints,
    ADDRESSES: _addresses,
    BLOCKED: _blocked,
    DNS_RECORDS: _dns_records,
    STATUS_HISTORY: _status_history,
}
