"""The list and the page of notices, which webhooks get besides mail."""

from __future__ import annotations

from django.test import Client
from django.utils import timezone

from inbound.tests.support.admin_site import run_action, staff, text, url
from inbound.tests.support.factories import EndpointFactory
from mail.models import EventNotice


def test_a_notice_says_whether_it_was_taken(ses, admin_client: Client, user):
    endpoint = EndpointFactory(owner=user, name="CRM")
    values = {"endpoint": endpoint, "event": "domain.deletion.proved", "body": '{"domain": "gone.example"}'}
    EventNotice.objects.create(**values)
    EventNotice.objects.create(**values, retry_at=None, problem="The server answered 410: Gone")
    taken = EventNotice.objects.create(**values, retry_at=None, delivered_at=timezone.now())
    shown = text(admin_client.get(url("mail.eventnotice", "changelist")))
    for state in ("next try at", "given up", "taken at", "410: Gone", "CRM"):
        assert state in shown
    assert "gone.example" in text(admin_client.get(url("mail.eventnotice", "change", taken.pk)))


def test_settling_one_needs_the_permission(client: Client, user):
    values = {"endpoint": EndpointFactory(owner=user), "event": "domain.deletion.proved", "body": "{}"}
    lost = EventNotice.objects.create(**values, retry_at=None)
    staff(client, "mail.view_eventnotice")
    run_action(client, "mail.eventnotice", "withdraw", [lost])
    assert EventNotice.objects.exists()
