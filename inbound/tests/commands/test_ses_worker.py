"""`ses_worker --once`: one round, and what it prints."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.utils import timezone

from domains.lifecycle.register import add_domain
from domains.models import Domain
from inbound.tests.support.factories import DomainFactory
from ses_integration.models import DomainSync
from ses_integration.reconcile import outbox
from ses_integration.tests.commands.run import run

pytestmark = pytest.mark.sqlite


def test_it_does_what_is_due_and_exits(ses, settings):
    settings.SES_REQUEST_BUDGET = 0.0
    with transaction.atomic():
        outbox.mark_dirty("gone.org")
    assert once() == (0, "Updated 1 domain. Nothing is pending.\n")
    assert not DomainSync.objects.get().pending
    assert once() == (0, "Nothing was due. Nothing is pending.\n")


def test_it_says_how_many_domains_it_checked(user, ses):
    for name in ("a.example", "b.example"):
        add_domain(owner=user, name=name)
    Domain.objects.update(next_check=timezone.now())
    assert once() == (0, "Checked the verification of 2 domains. Nothing is pending.\n")
    assert once() == (0, "Nothing was due. Nothing is pending.\n")


def test_it_prints_what_is_still_pending_and_what_failed(ses, settings):
    DomainFactory()
    settings.SES_REQUEST_BUDGET = 0.0
    ses.add_faults({"service": "*", "action": "*", "fault": "access_denied", "times": None})
    Domain.objects.all().delete()
    with transaction.atomic():
        outbox.mark_dirty("gone.org")
    assert once() == (
        2,
        "Updated 2 domains, continued 1 deletion. Failed, see the log: sweep SES. "
        "Still pending: 1 domain (see ses_status), 1 deletion (see list_deletions).\n",
    )


def once() -> tuple[int, str]:
    return run("ses_worker", "--once")
