"""GET /mail/stats."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest
from django.utils import timezone

from domains.models import Domain
from inbound.tests.support.factories import (
    DeliveryFactory,
    DomainFactory,
    EndpointFactory,
    ReceivedEmailFactory,
    UserFactory,
)
from mail.models import Message, ReceivedEmail
from mail.tests.inbox import URL, received

pytestmark = pytest.mark.sqlite

STATS = f"{URL}/stats"


@pytest.fixture
def midnight():
    return timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def test_mail_is_counted_by_day_and_messages_by_size(api, domain, midnight):
    email = received(domain, arrived_at=midnight, size=700)
    ReceivedEmailFactory(message=email.message)
    received(domain, arrived_at=midnight - timedelta(seconds=1), size=20)
    received(domain, arrived_at=midnight - timedelta(days=2), size=3)
    ReceivedEmail.objects.filter(message__size=3).update(is_archived=True)
    received(domain, arrived_at=midnight - timedelta(days=2, seconds=1), size=1)
    days = [f"{midnight - timedelta(days=age):%Y-%m-%d}" for age in (2, 1, 0)]
    assert api.get(f"{STATS}?days=3").json() == {
        "received": 4,
        "blocked": 0,
        "quarantined": 0,
        "delivered": 0,
        "failed": 0,
        "pending": 0,
        "bytes": 723,
        "byDay": [
            {"day": day, "received": number, "delivered": 0, "failed": 0}
            for day, number in zip(days, (1, 1, 2), strict=True)
        ],
    }


def test_deliveries_are_counted_by_the_day_on_which_they_were_created(api, user, domain, midnight):
    endpoint = EndpointFactory(owner=user)
    day = timedelta(days=1)
    for age, state in ((0, "due"), (0, "delivered"), (0, "delivered"), (1, "dead"), (1, "withdrawn"), (1, "delivered")):
        DeliveryFactory(received=received(domain), endpoint=endpoint, state=state, created_at=midnight - age * day)
    DeliveryFactory(received=received(domain), endpoint=endpoint, created_at=midnight - 2 * day)
    for query in ("", f"&domainId={domain.pk}"):
        answer = api.get(f"{STATS}?days=2{query}").json()
        assert [answer[name] for name in ("delivered", "failed", "pending")] == [3, 2, 1]
        assert [(row["delivered"], row["failed"]) for row in answer["byDay"]] == [(1, 2), (2, 0)]
    assert api.get(f"{STATS}?days=2&domainId={DomainFactory(owner=user).pk}").json()["delivered"] == 0


def test_blocked_and_quarantined_mail_is_counted(api, domain, midnight):
    for disposition in ("blocked", "blocked", "quarantined", "stored"):
        email = received(domain)
        ReceivedEmail.objects.filter(pk=email.pk).update(disposition=disposition)
    old = received(domain, arrived_at=midnight - timedelta(days=1))
    ReceivedEmail.objects.filter(pk=old.pk).update(disposition="blocked")
    for query in ("", f"&domainId={domain.pk}"):
        answer = api.get(f"{STATS}?days=1{query}").json()
        assert (answer["received"], answer["blocked"], answer["quarantined"]) == (4, 2, 1)


def test_thirty_days_are_the_default(api, domain, midnight):
    received(domain, arrived_at=midnight - timedelta(days=29))
    received(domain, arrived_at=midnight - timedelta(days=30))
    answer = api.get(STATS).json()
    assert (answer["received"], len(answer["byDay"])) == (1, 30)


def test_one_domain_and_none(api, user, domain):
    received(domain, size=5)
    received(DomainFactory(owner=user), size=70)
    counts = {
        query: (answer["received"], answer["bytes"])
        for query in ("", f"?domainId={domain.pk}", "?domainId=nothing", "?domainId=a%00b")
        for answer in [api.get(STATS + query).json()]
    }
    assert counts == {
        "": (2, 75),
        f"?domainId={domain.pk}": (1, 5),
        "?domainId=nothing": (0, 0),
        "?domainId=a%00b": (0, 0),
    }


def test_mail_that_is_being_erased_and_that_of_others_does_not_count(api, client_for, domain):
    DeliveryFactory(received=received(domain))
    stranger = client_for(UserFactory())
    for query in ("", f"?domainId={domain.pk}"):
        answer = stranger.get(STATS + query).json()
        assert (answer["received"], answer["pending"]) == (0, 0)
    Message.objects.update(state=Message.State.ERASING)
    assert api.get(STATS).json()["bytes"] == 0
    Message.objects.update(state=Message.State.INGESTED)
    Domain.objects.update(deleting_since=timezone.now())
    answer = api.get(f"{STATS}?domainId={domain.pk}").json()
    assert (answer["received"], answer["pending"], answer["bytes"]) == (0, 0, 0)


@pytest.mark.parametrize("days", ["0", "91", "-1", "x", "1.5", "99999"])
def test_other_numbers_of_days_are_refused(api, days):
    answer = api.get(f"{STATS}?days={days}")
    assert (answer.status_code, answer.json()) == (400, {"error": "days must be between 1 and 90"})


def test_statistics_take_five_statements(api, domain, django_assert_num_queries):
    received(domain)
    api.get(STATS)
    with django_assert_num_queries(5):
        api.get(f"{STATS}?days=90")
