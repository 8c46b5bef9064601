"""A webhook that wants it is told that a deletion is proven, signed, until it takes it."""

from __future__ import annotations

import json
from datetime import timedelta
from unittest.mock import ANY

import pytest
from django.utils import timezone
from standardwebhooks import Webhook

from domains.deletion.proved import announce_proved
from domains.models import DomainDeletion, Step
from endpoints.config_schema import DELETION_PROVED
from endpoints.models import Endpoint
from inbound.tests.support.factories import EndpointFactory
from mail.models import EventNotice
from mail.tests.webhooks.hook import Hook
from mail.webhooks.notices import run_notices

pytestmark = pytest.mark.sqlite


@pytest.fixture
def wanting(hook: Hook) -> Hook:
    hook.endpoint.config = {**hook.endpoint.config, "events": [DELETION_PROVED]}
    hook.endpoint.save()
    return hook


@pytest.fixture
def proven(hook: Hook) -> DomainDeletion:
    done = dict.fromkeys(DomainDeletion.STEPS, Step.DONE)
    now = timezone.now()
    return DomainDeletion.objects.create(
        domain_id="d1", name="gone.example", owner=hook.endpoint.owner, finished_at=now, proved_at=now, **done
    )


def test_the_event_has_the_report_and_can_be_verified(wanting: Hook, proven: DomainDeletion):
    announce_proved()
    assert run_notices() == 1
    (request,) = wanting.requests
    secret = wanting.endpoint.signing_secret
    assert secret
    event = Webhook(secret).verify(request["body"], request["headers"])
    assert event == {
        "event": "domain.deletion.proved",
        "timestamp": ANY,
        "deletion": ANY,
        "endpoint": {"id": wanting.endpoint.pk, "name": "Main", "type": "webhook"},
    }
    assert (event["deletion"]["id"], event["deletion"]["domain"]) == (proven.pk, "gone.example")
    assert event["deletion"]["confirmation"] is None or event["deletion"]["confirmation"]["confirmedAt"]
    notice = EventNotice.objects.get()
    headers = request["headers"]
    assert (headers["x-webhook-event"], headers["webhook-id"]) == ("domain.deletion.proved", f"msg_{notice.pk}")
    assert (headers["x-webhook-attempt"], headers["x-webhook-timestamp"]) == ("1", event["timestamp"])
    assert (notice.retry_at, notice.problem, notice.delivered_at is not None) == (None, "", True)
    assert run_notices() == 0


def test_only_webhooks_of_the_owner_that_want_it_are_told(wanting: Hook, proven: DomainDeletion):
    owner = wanting.endpoint.owner
    EndpointFactory(owner=owner)
    EndpointFactory(owner=owner, config={"url": "http://127.0.0.1:9", "events": "domain.deletion.proved"})
    EndpointFactory(config={"url": "http://127.0.0.1:9", "events": [DELETION_PROVED]})
    announce_proved()
    assert [notice.endpoint for notice in EventNotice.objects.all()] == [wanting.endpoint]


def test_it_is_repeated_with_the_same_id_and_body(wanting: Hook, proven: DomainDeletion, settings):
    settings.WEBHOOK_RETRY_SECONDS = [0, 0]
    wanting.answers(status=500)
    announce_proved()
    assert run_notices(seconds=0.2) == 0
    EventNotice.objects.update(attempts=2, retry_at=timezone.now() - timedelta(seconds=1))
    wanting.answers(status=200)
    assert run_notices() == 1
    requests = wanting.requests
    assert len(requests) > 1
    assert requests[-1]["headers"]["x-webhook-attempt"] == "3"
    assert len({request["body"] for request in requests}) == 1
    assert len({request["headers"]["webhook-id"] for request in requests}) == 1


def test_after_the_last_attempt_it_is_given_up(wanting: Hook, proven: DomainDeletion, settings):
    settings.WEBHOOK_RETRY_SECONDS = []
    Endpoint.objects.update(config={**wanting.endpoint.config, "url": "http://127.0.0.1:9/"})
    announce_proved()
    assert run_notices() == 0
    notice = EventNotice.objects.get()
    assert (notice.retry_at, notice.delivered_at, notice.attempts) == (None, None, 1)
    assert notice.problem


def test_a_webhook_that_is_switched_off_is_told_later(wanting: Hook, proven: DomainDeletion):
    Endpoint.objects.update(is_active=False)
    announce_proved()
    assert (run_notices(), wanting.requests) == (0, [])
    Endpoint.objects.update(is_active=True)
    assert run_notices() == 1


def test_old_notices_are_forgotten(wanting: Hook, proven: DomainDeletion, settings):
    announce_proved()
    EventNotice.objects.update(created_at=timezone.now() - timedelta(days=settings.DELIVERY_LOG_DAYS + 1))
    assert run_notices() == 1
    run_notices()
    assert not EventNotice.objects.exists()


@pytest.mark.parametrize("events", ["domain.deletion.proved", ["email.received"], [1], {}])
def test_an_unknown_event_is_refused(hook: Hook, api, events):
    config = {**hook.endpoint.config, "events": events}
    answer = api.put(f"/api/v2/endpoints/{hook.endpoint.pk}", {"config": config})
    assert answer.status_code == 400
    assert "events must be a list of domain.deletion.proved" in json.dumps(answer.json())
