"""Block and unblock addresses of catch-all domains (docs/api/calls.md, "Blocked emails")."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction

from addresses.models import BlockedEmail, EmailAddress
from audit.actions import Action
from audit.record import Entry, members, record, record_all
from domains.models import Domain, lock_live_domain
from rest.access.roles import Deed


class AlreadyBlocked(Exception):
    """The address is already blocked."""


class CannotBlock(Exception):
    """The address cannot be blocked. The message is the published sentence."""


def block_address(
    *, domain: Domain, address: str, reason: str, blocked_by: AbstractBaseUser, member: Any = None
) -> BlockedEmail:
    """Block a normalised address of the domain. Changes nothing in SES. `member`: see `lock_live_domain`.

    Raises AlreadyBlocked, CannotBlock, and Domain.DoesNotExist if the domain is being deleted.
    """
    try:
        with transaction.atomic(durable=True):
            row = lock_live_domain(domain.pk, member, Deed.BLOCK)
            if BlockedEmail.objects.filter(email_address=address).exists():
                raise AlreadyBlocked
            if EmailAddress.objects.filter(address=address).exists():
                raise CannotBlock("Cannot block manually added email addresses. Only catch-all emails can be blocked.")
            if not row.receives_everything:
                raise CannotBlock(
                    f"Domain {row.name} does not have catch-all enabled. "
                    "Only emails from catch-all domains can be blocked."
                )
            blocked = BlockedEmail.objects.create(
                domain=row, email_address=address, reason=reason, blocked_by_id=blocked_by.pk
            )
            record(Entry.of(Action.ADDED, blocked, row.owner_id, after=members(blocked, "reason")))
            return blocked
    except IntegrityError as error:
        raise AlreadyBlocked from error


def unblock(*blocked: BlockedEmail, member: Any = None) -> None:
    """Delete these blocks. Changes nothing in SES. Raises Domain.DoesNotExist as `lock_live_domain` does for a `member`."""
    with transaction.atomic():
        if member is not None:
            for domain in sorted({row.domain_id for row in blocked}):
                lock_live_domain(domain, member, Deed.BLOCK)
        BlockedEmail.objects.filter(pk__in=[row.pk for row in blocked]).delete()
        record_all(Entry.of(Action.DELETED, row, row.domain.owner_id, before=members(row, "reason")) for row in blocked)
