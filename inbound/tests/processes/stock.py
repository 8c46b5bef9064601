"""What is there before a test begins: rows straight into the database, and an SES that follows them already."""

from __future__ import annotations

from collections.abc import Collection

from django.contrib.auth.models import User
from django.db import transaction
from django.test import override_settings

from addresses.models import EmailAddress
from inbound.tests.factories import DomainFactory, EmailAddressFactory
from inbound.tests.processes.checks import wait_until_nothing_is_owed
from inbound.tests.processes.stack import Stack


def stock(stack: Stack, owner: User, names: Collection[str], *, addresses: int) -> dict[str, list[EmailAddress]]:
    """So many addresses for each name. SES holds them at the end, however slow the stack's own processes are to be."""
    # The nudge after the commit is this process's, which knows another SES.
    with override_settings(SES_REQUEST_BUDGET=0.0), transaction.atomic():
        for name in names:
            EmailAddressFactory.create_batch(addresses, domain=DomainFactory(owner=owner, name=name))
    stack.command("ses_sync", SES_CALLS_PER_SECOND="0")
    wait_until_nothing_is_owed(within=20)
    return {name: list(EmailAddress.objects.filter(domain__name=name)) for name in names}
