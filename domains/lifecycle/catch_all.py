"""Switch catch-all on and off, and off when its endpoint is deleted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError
from django.utils import timezone

from audit.actions import Action
from audit.record import Entry, members, record_all, record_change
from domains.models import Domain, lock_live_domain
from domains.provider import addresses_of, spec_of
from rest.access.roles import Deed
from rest.prebuilt import Parameter, Prebuilt
from ses_integration.api import changing, mark_dirty, reconcile, reserve, shared_deadline, unconfirmed_warning

CATCH_ALL_FAILED = "SES catch-all configuration failed:"


# What the audit log has of a catch-all.
RECORDED = ("is_catch_all_enabled", "catch_all_endpoint_id")


class EndpointGone(Exception):
    """The endpoint was deleted while mail was being routed to it."""


@dataclass(frozen=True, slots=True)
class CatchAllChange:
    """The stored domain, the catch-all rule if SES has confirmed it, and a warning if SES has not confirmed the change."""

    domain: Domain
    rule_name: str | None
    warning: str | None


def set_catch_all(*, domain: Domain, enabled: bool, endpoint_id: str | None, member: Any = None) -> CatchAllChange:
    """Switch catch-all on (to the endpoint) or off, and wait until SES has confirmed it or the deadline ends.

    `member`: a manager who does it for the owner. Raises Domain.DoesNotExist if the domain is being deleted or they have lost
    their access, EndpointGone, and QuotaExceeded if the new rules have no room
    beside the old ones.
    """
    with shared_deadline():
        try:
            with changing() as change:
                row = lock_live_domain(domain.pk, member, Deed.SET_CATCH_ALL)
                before = members(row, *RECORDED)
                changes_ses = row.receives_everything != enabled
                row.is_catch_all_enabled = enabled
                row.catch_all_endpoint_id = endpoint_id if enabled else None
                row.updated_at = timezone.now()
                Domain.objects.filter(pk=row.pk).update(
                    is_catch_all_enabled=enabled,
                    catch_all_endpoint=row.catch_all_endpoint_id,
                    updated_at=row.updated_at,
                )
                # update() instead of save(), which would mark the domain: another endpoint does not change the rule.
                if changes_ses:
                    mark_dirty(row.name)
                    # With catch-all on, no rule carries an address.
                    addresses = [] if row.receives_everything else addresses_of(row)
                    reserve(spec_of(row, addresses), replaces=True)
                record_change(row, row.owner_id, before, members(row, *RECORDED))
        except IntegrityError as error:  # PostgreSQL checks foreign keys at commit
            raise EndpointGone from error
        for name, generation in change.generations.items():
            reconcile(name, generation)
    return _outcome(domain.pk)


_with_outcome = Prebuilt(
    lambda: Domain.objects.live().select_related("catch_all_endpoint").with_catch_all_state().filter(pk=Parameter("pk"))
)


def _outcome(pk: str) -> CatchAllChange:
    # Read again, because deleting the endpoint meanwhile would have switched catch-all off.
    domain = _with_outcome.get(pk=pk)
    rule_name = domain.catch_all_rule_name
    confirmed = (rule_name is not None) == domain.receives_everything
    if confirmed and not domain.ses_pending:
        return CatchAllChange(domain, rule_name, None)
    warning = unconfirmed_warning(CATCH_ALL_FAILED, domain.name)
    return CatchAllChange(domain, rule_name if confirmed else None, warning)


def release_endpoint(endpoint_id: str) -> list[str]:
    """Switch off every catch-all that delivers to an endpoint that is being deleted. Return the domains' names.

    Call it in the transaction that deletes the endpoint, before the row is deleted.
    """
    users = Domain.objects.filter(catch_all_endpoint_id=endpoint_id)
    rows = list(users.only("name", "owner_id", *RECORDED))
    names = sorted(row.name for row in rows)
    if names:
        off = {"isCatchAllEnabled": False, "catchAllEndpointId": None}
        record_all(
            Entry.of(Action.CHANGED, row, row.owner_id, before=members(row, *RECORDED), after=off) for row in rows
        )
        users.update(is_catch_all_enabled=False, catch_all_endpoint=None, updated_at=timezone.now())
        mark_dirty(*names)
    return names
