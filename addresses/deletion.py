"""Deleting an address so that SES is known to receive nothing for it any more (design 6)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from django.db import transaction

from addresses.models import EmailAddress
from ses_integration import facts, marks
from ses_integration.budget import one_budget
from ses_integration.clients import have_credentials
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
    name = address.domain.name
    with one_budget():
        with transaction.atomic(durable=True):
            row = EmailAddress.objects.select_for_update(of=("self",)).get(pk=address.pk)
            row.delete()
            generation = marks.generation(name)
        removed = partial(facts.recipient_gone, name, row.address, generation)
        converge(name, done=removed)
    if removed():
        return AddressDeletion(row.address, name, removed_from_ses=True, warning=None)
    return AddressDeletion(row.address, name, removed_from_ses=False, warning=_warning(name))


def _warning(domain: str) -> str:
    # `email_addresses` of the domain that are left need an update of the rule, and that needs the bucket.
    others = EmailAddress.objects.filter(domain__name=domain).active().exists()
    config = ses_config()
    if not config.region or not have_credentials() or (others and not config.bucket):
        return NOT_CONFIGURED
    owed = facts.owed(domain)
    text = f"SES rule {'update' if others else 'deletion'} failed: {facts.RECORDED}"
    if owed.doubt_until is not None:
        text += f" An earlier call to AWS got no answer; it is confirmed again by {owed.doubt_until:%H:%M} UTC."
    return text
