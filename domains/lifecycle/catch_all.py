"""Receiving everything that is sent to a domain: on, off, and off because the endpoint goes."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone

from domains.models import Domain
from domains.provider import domain_specs
from ses_integration.api import (
    mark_dirty,
    pending,
    reconcile,
    reserve,
    rule_names,
    shared_deadline,
    unconfirmed_warning,
)

CATCH_ALL_FAILED = "SES catch-all configuration failed:"


class EndpointGone(Exception):
    """The endpoint was deleted while something was being routed to it."""


@dataclass(frozen=True, slots=True)
class CatchAllChange:
    """The domain as stored, the catch-all rule that SES is confirmed to hold, and a sentence if SES has not followed."""

    domain: Domain
    rule_name: str | None
    warning: str | None


def set_catch_all(*, domain: Domain, enabled: bool, endpoint_id: str | None) -> CatchAllChange:
    """Switch catch-all on (to the endpoint) or off, and wait within the budget for SES to follow.

    Switching to another endpoint changes rows only: the rule does not depend on it. Raises Domain.DoesNotExist when the
    domain is being deleted, EndpointGone, and QuotaExceeded: the old rule stays until the new one is there.
    """
    with shared_deadline():
        try:
            with transaction.atomic(durable=True):
                row = Domain.objects.live().select_for_update().get(pk=domain.pk)
                follows = row.receives_everything != enabled
                row.is_catch_all_enabled = enabled
                row.catch_all_endpoint_id = endpoint_id if enabled else None
                row.updated_at = timezone.now()
                Domain.objects.filter(pk=row.pk).update(
                    is_catch_all_enabled=enabled,
                    catch_all_endpoint=row.catch_all_endpoint_id,
                    updated_at=row.updated_at,
                )
                # update(), and a mark of our own: the rule does not depend on the endpoint.
                if follows:
                    mark_dirty(row.name)
                    for wish in domain_specs([row.name]):
                        reserve(wish, replaces=True)
        except IntegrityError as error:  # PostgreSQL looks at foreign keys when it commits
            raise EndpointGone from error
        reconcile(row.name)
    # As it is by now: the endpoint may have been deleted meanwhile, which switches off what was switched on.
    return _outcome(Domain.objects.live().select_related("catch_all_endpoint").get(pk=domain.pk))


def _outcome(domain: Domain) -> CatchAllChange:
    rule_name = next(iter(rule_names(domain.name, domain.name)), None)
    in_line = (rule_name is not None) == domain.receives_everything
    if in_line and not pending([domain.name]):
        return CatchAllChange(domain, rule_name, None)
    warning = unconfirmed_warning(CATCH_ALL_FAILED, domain.name)
    return CatchAllChange(domain, rule_name if in_line else None, warning)


def release_endpoint(endpoint_id: str) -> list[str]:
    """Switch off every catch-all that delivers to this endpoint, because the endpoint goes; returns the domains' names.

    Call it inside the transaction that deletes the endpoint, before the row goes.
    """
    users = Domain.objects.filter(catch_all_endpoint_id=endpoint_id)
    names = sorted(users.values_list("name", flat=True))
    if names:
        users.update(is_catch_all_enabled=False, catch_all_endpoint=None, updated_at=timezone.now())
        mark_dirty(*names)
    return names
