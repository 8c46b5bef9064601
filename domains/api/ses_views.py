"""GET /ses/status: what SES has room for, and how far it has followed each domain. Reads the database only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from domains.models import Domain
from rest.fields import timestamp
from ses_integration.api import Capacity, SyncState, capacity, recipients_by_rule, sync_states


class SesStatus(GenericAPIView[Domain]):
    """Of the caller's own live domains; the quotas are those of the account and region, which everybody shares."""

    def get_queryset(self) -> QuerySet[Domain]:
        return Domain.objects.live().owned_by(self.request.user).order_by("name")

    def get(self, request: Request) -> Response:
        page: Any = self.paginate_queryset(self.get_queryset())
        names = [domain.name for domain in page]
        known, rules = sync_states(names), _recipients_by_rule(page)
        answer = self.get_paginated_response(
            [_shown(domain, known[domain.name], rules.get(domain.name, {})) for domain in page]
        )
        answer.data = _capacity(capacity()) | answer.data
        return answer


def _recipients_by_rule(domains: Iterable[Domain]) -> dict[str, dict[str, int]]:
    rows = list(domains)
    return recipients_by_rule(
        {domain.name: domain.key_prefix for domain in rows},
        # `email_addresses` is the reverse accessor of addresses.EmailAddress, which stands above this app.
        Domain.objects.filter(pk__in=[domain.pk for domain in rows]).values("email_addresses__address"),
        [domain.name for domain in rows if domain.receives_everything],
    )


def _capacity(it: Capacity) -> dict[str, Any]:
    return {
        "region": it.region,
        "ruleSet": it.rule_set,
        "rules": {"used": it.rules.total, "quota": it.rules.quota},
        "identities": {"used": it.identities.total, "quota": it.identities.quota},
        "recipientsPerRule": it.recipients_per_rule,
    }


def _shown(domain: Domain, state: SyncState, rules: dict[str, int]) -> dict[str, Any]:
    return {
        "id": domain.pk,
        "domain": domain.name,
        "state": state.status.wire,
        "reason": state.reason or None,
        "nextTry": state.retry_at and timestamp(state.retry_at),
        "rules": [{"name": name, "recipients": recipients} for name, recipients in rules.items()],
    }
