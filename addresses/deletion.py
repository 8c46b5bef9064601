"""Deleting an address so that SES is known to receive nothing for it any more.

See docs/architecture/deletion.md, "Delete an address".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from django.db import transaction

from addresses.deletion_plan.build import check_plan, check_token
from addresses.models import EmailAddress
from domains.names import domain_of
from ses_integration.api import (
    configured,
    generation,
    mark_dirty,
    recipients_left,
    reconcile,
    ses_config,
    shared_deadline,
    unconfirmed_warning,
)

NOT_CONFIGURED = "AWS configuration incomplete. SES rules may need manual cleanup."


@dataclass(frozen=True, slots=True)
class AddressDeletion:
    """What is gone. `removed_from_ses`: SES is confirmed to hold no recipient for it; if not, `warning` says why."""

    address: str
    domain: str
    removed_from_ses: bool
    warning: str | None


def delete_address(address: EmailAddress, *, plan_token: str = "") -> AddressDeletion:
    """Delete the row, wait within the budget for SES to follow, and say what SES has confirmed.

    Raises EmailAddress.DoesNotExist if somebody else was first, and PlanOutdated if `plan_token` is given and is not that
    of the plan as it is now.
    """
    if plan_token:
        check_plan(address, plan_token)
    deleted = delete_addresses([address], check=partial(check_token, address, plan_token) if plan_token else None)
    if not deleted:
        raise EmailAddress.DoesNotExist
    return deleted[address.pk]


def delete_addresses(
    addresses: Sequence[EmailAddress], *, check: Callable[[], None] | None = None
) -> dict[str, AddressDeletion]:
    """Delete them in one transaction, and then wait for SES domain by domain: one rule update for those of one rule.

    Returns the outcomes by id; an address that somebody else has deleted has none. The statements do not grow with the
    number of addresses but with that of their domains. `check` is called first in the transaction, and ends it by raising.
    """
    with shared_deadline():
        with transaction.atomic(durable=True):
            if check is not None:
                check()
            rows = EmailAddress.objects.select_for_update().filter(pk__in=[row.pk for row in addresses])
            deleted = dict(rows.order_by("pk").values_list("pk", "address"))
            by_domain: dict[str, set[str]] = defaultdict(set)
            for address in deleted.values():
                by_domain[domain_of(address)].add(address)
            # Before the receivers do, which come row by row: marks are taken in the order of the domains' names.
            mark_dirty(*by_domain)
            EmailAddress.objects.filter(pk__in=deleted).delete()
            left_of = {name: partial(recipients_left, name, gone, generation(name)) for name, gone in by_domain.items()}
        left: set[str] = set()
        warnings: dict[str, str] = {}
        for name, look in left_of.items():
            reconcile(name, done=partial(_finds_nothing, look))
            if found := look():
                left |= found
                warnings[name] = _warning(name)
        return {
            pk: AddressDeletion(
                address,
                domain_of(address),
                removed_from_ses=address not in left,
                warning=warnings[domain_of(address)] if address in left else None,
            )
            for pk, address in deleted.items()
        }


def _finds_nothing(look: Callable[[], set[str]]) -> bool:
    return not look()


def _warning(domain: str) -> str:
    # `email_addresses` of the domain that are left need an update of the rule, and that needs the bucket.
    others = EmailAddress.objects.filter(domain__name=domain).active().exists()
    if not configured() or (others and not ses_config().bucket):
        return NOT_CONFIGURED
    lead = f"SES rule {'update' if others else 'deletion'} failed:"
    return unconfirmed_warning(lead, domain, error="", removal=True, in_flight=True)
