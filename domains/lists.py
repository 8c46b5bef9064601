"""What lists of rows that belong to domains share."""

from __future__ import annotations

from typing import Any, cast

from domains.models import Domain, DomainQuerySet
from rest.filters import IdFilter
from rest.viewsets import OwnedViewSet

DOMAIN_ID = IdFilter("domainId", "domain_id")


def domains_of(view: OwnedViewSet[Any]) -> DomainQuerySet:
    """The caller's live domains whose rows the list shows: all, or the one that `domainId` names. Totals are sums over them."""
    own = view.owned(Domain.objects.live())
    return cast(DomainQuerySet, IdFilter("domainId", "pk").apply(own, view.request.query_params.get("domainId")))
