"""Deleting an address so that SES is known to receive nothing for it any more (design 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from django.db import transaction

from addresses.models import EmailAddress
from domains.names import domain_of
from ses_integration import facts, marks
from ses_integration.budget import one_budget
from ses_integration.config import ses_config
from ses_integration.convergence import converge

NOT_CONFIGURED = "AWS configuration incomplete. SES rules may need manual cleanup."


@dataclass(frozen=True, slots=True)
class AddressDeletion:
    """What is gone. `removed_from_ses`: SES is confirmed to hold no recipient for it; if not, `warning` says why."""

    address: str
    domain: str
    removed_from_ses: bool
    warning: str | None


def delete_address(address: EmailAddress) -> AddressDeletion:
    """Delete the row, wait within the budget for SES to follow, and say what SES has confirmed.

    Raises EmailAddress.DoesNotExist if somebody else was first.
    """
    deleted = delete_addresses([address])
    if not deleted:
        raise EmailAddress.DoesNotExist
    return deleted[address.pk]


def delete_addresses(addresses: Sequence[EmailAddress]) -> dict[str, AddressDeletion]:
    """Delete them in one transaction, and then wait for SES domain by domain: one rule update for those of one rule.

    Returns the outcomes by id; an address that somebody else has deleted has none.
    """
    deleted: dict[str, str] = {}
    with one_budget():
        with transaction.atomic(durable=True):
            rows = EmailAddress.objects.select_for_update(of=("self",)).filter(pk__in=[row.pk for row in addresses])
            # By domain, because a deletion marks its domain, and marks are taken in the order of their names.
            for row in sorted(rows.order_by("pk"), key=lambda row: domain_of(row.address)):
                deleted[row.pk] = row.address
                row.delete()
            generations = {name: marks.generation(name) for name in map(domain_of, deleted.values())}
        gone = {
            pk: partial(facts.recipient_gone, domain_of(address), address, generations[domain_of(address)])
            for pk, address in deleted.items()
        }
        for name in generations:
            of_domain = [gone[pk] for pk, address in deleted.items() if domain_of(address) == name]
            converge(name, done=partial(_all_gone, of_domain))
        return {pk: _outcome(address, removed=gone[pk]()) for pk, address in deleted.items()}


def _all_gone(gone: Iterable[Callable[[], bool]]) -> bool:
    return all(is_gone() for is_gone in gone)


def _outcome(address: str, *, removed: bool) -> AddressDeletion:
    name = domain_of(address)
    return AddressDeletion(address, name, removed_from_ses=removed, warning=None if removed else _warning(name))


def _warning(domain: str) -> str:
    # `email_addresses` of the domain that are left need an update of the rule, and that needs the bucket.
    others = EmailAddress.objects.filter(domain__name=domain).active().exists()
    if not facts.configured() or (others and not ses_config().bucket):
        return NOT_CONFIGURED
    owed = facts.owed(domain)
    text = f"SES rule {'update' if others else 'deletion'} failed: {facts.RECORDED}"
    if owed.doubt_until is not None:
        text += f" An earlier call to AWS got no answer; it is confirmed again by {owed.doubt_until:%H:%M} UTC."
    return text
