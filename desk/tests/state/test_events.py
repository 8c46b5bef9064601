"""An event that a webhook was not told of needs somebody."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from desk.state.read import read_state
from desk.state.values import Kind, Level
from inbound.tests.support.admin_site import run_action, text, url
from inbound.tests.support.factories import EndpointFactory, UserFactory
from mail.models import EventNotice

pytestmark = pytest.mark.sqlite


@pytest.mark.parametrize("action", ["retry_now", "withdraw"])
def test_one_that_was_given_up_needs_somebody_until_it_is_settled(ses, alive, admin_client: Client, user, action):
    values = {"endpoint": EndpointFactory(owner=user), "event": "domain.deletion.proved", "body": "{}"}
    taken = EventNotice.objects.create(**values, retry_at=None, delivered_at=timezone.now())
    lost = EventNotice.objects.create(**values, retry_at=None, problem="The server answered 410: Gone", attempts=9)
    [finding] = read_state().findings
    assert not read_state(UserFactory()).needs_you
    assert (finding.kind, finding.level, finding.what) == (Kind.EVENT, Level.NEEDS_YOU, "1 event given up")
    assert 'href="/admin/mail/eventnotice/?state=given_up"' in text(admin_client.get("/admin/"))
    shown = text(admin_client.get(url("mail.eventnotice", "changelist") + "?state=given_up"))
    assert (lost.pk in shown, taken.pk in shown) == (True, False)
    _, said = run_action(admin_client, "mail.eventnotice", action, [lost, taken])
    assert [level for level, _ in said] == ["warning", "success"]
    assert not read_state().needs_you
    left = EventNotice.objects.filter(pk=lost.pk, retry_at__isnull=False, attempts=0)
    assert left.exists() == (action == "retry_now")
