"""What lists of rows that belong to domains share."""

from __future__ import annotations

from typing import Any, cast

from domains.models import Domain, DomainQuerySet
from domains.names import normalise_domain
from rest.filters import IdFilter, TextFilter, named
from rest.viewsets import OwnedViewSet

# Filters by domain: of rows that belong to domains, and of the domains themselves.
DOMAIN_ID, DOMAIN = IdFilter("domainId", "domain_id"), TextFilter("domain", named("domain__name", normalise_domain))
ID, NAME = IdFilter("domainId", "pk"), TextFilter("domain", named("name", normalise_domain))


def domains_of(view: OwnedViewSet[Any]) -> DomainQuerySet:
    """The live domains that the caller sees whose rows the list shows: all, or the one that `domainId` or `domain` names.

    Totals are sums over them.
    """
    own: Any = view.visible(Domain.objects.live())
    for each in (ID, NAME):
        own = each.apply(own, view.request.query_params.get(each.parameter))
    return cast(DomainQuerySet, own)
