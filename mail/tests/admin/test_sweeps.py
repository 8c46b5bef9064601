"""The pages of sweeps."""

from __future__ import annotations

from django.test import Client
from django.utils import timezone

from inbound.tests.support.admin_site import text, url
from inbound.tests.support.factories import DomainFactory
from mail.models import MailSweep


def test_the_state_of_each_sweep_is_shown_and_not_changed(admin_client: Client, domain) -> None:
    now = timezone.now()
    sweep = MailSweep.objects.create(
        domain=domain, due_at=now, started_at=now, finished_at=now, seconds=61.25, found=3, problem="Access denied."
    )
    for path in (url("mail.mailsweep", "changelist"), url("mail.mailsweep", "change", sweep.pk)):
        page = text(admin_client.get(path))
        for shown in ("example.com", "61.2 s", "3", "Access denied."):
            assert shown in page
    assert admin_client.post(url("mail.mailsweep", "change", sweep.pk), {"found": "9"}).status_code == 403


def test_sweeps_of_deleted_domains_are_not_shown(admin_client: Client, domain) -> None:
    MailSweep.objects.create(domain=DomainFactory(deleting_since=timezone.now()), due_at=timezone.now())
    assert "0 mail sweeps" in text(admin_client.get(url("mail.mailsweep", "changelist")))
