"""Create rows directly in the database, and let SES follow them, before a test starts."""

from __future__ import annotations

from collections.abc import Collection

from django.contrib.auth.models import User
from django.db import transaction
from django.test import override_settings

from addresses.models import EmailAddress
from inbound.tests.processes.support.checks import wait_until_idle
from inbound.tests.processes.support.stack import Stack
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory


def seed(stack: Stack, owner: User, names: Collection[str], *, addresses: int) -> dict[str, list[EmailAddress]]:
    """Create `addresses` addresses for each name. SES holds them afterwards, whatever rate limit the stack has."""
    # After a commit this process would reconcile, but its SES is not the stack's.
    with override_settings(SES_REQUEST_BUDGET=0.0), transaction.atomic():
        for name in names:
            EmailAddressFactory.create_batch(addresses, domain=DomainFactory(owner=owner, name=name))
    stack.command("ses_sync", SES_CALLS_PER_SECOND="0")
    wait_until_idle(within=20)
    return {name: list(EmailAddress.objects.filter(domain__name=name)) for name in names}
