from __future__ import annotations

import pytest

from inbound.api.limits import throttle
from inbound.api.limits.meter import Meter
from inbound.models import IdempotencyRecord, KeyRequests

URL = "/api/v2/endpoints"
BODY = {"name": "Main", "type": "webhook", "config": {"url": "https://example.org/"}}


@pytest.fixture
def limited(settings, monkeypatch):
    settings.API_REQUESTS_PER_MINUTE = 2
    # In the same minute, however long the test takes.
    monkeypatch.setattr(throttle, "METER", Meter(lambda: 6_030.0, follows_database=False))


def limits(answer) -> list[str | None]:
    return [
        answer.get(f"{prefix}RateLimit-{name}") for prefix in ("", "X-") for name in ("Limit", "Remaining", "Reset")
    ]


def test_answers_say_what_is_left_and_a_request_too_many_is_429(api, limited):
    assert limits(api.get(URL)) == ["2", "1", "30"] * 2
    assert limits(api.get(f"{URL}/nothing")) == ["2", "0", "30"] * 2
    answer = api.get(URL)
    assert (answer.status_code, answer["Retry-After"]) == (429, "30")
    assert answer.json() == {
        "error": "Rate limit exceeded: 2 requests a minute with this key. Try again in 30 seconds."
    }
    assert limits(answer) == ["2", "0", "30"] * 2


def test_a_refused_write_does_nothing_and_does_not_use_its_idempotency_key(api, user, limited):
    for _ in range(2):
        api.get(URL)
    assert api.post(URL, BODY, headers={"Idempotency-Key": "once"}).status_code == 429
    assert not user.endpoints.exists()
    assert not IdempotencyRecord.objects.exists()


def test_each_key_has_its_own_limit(client_for, user, limited):
    for client in (client_for(user), client_for(user)):
        assert [client.get(URL).status_code for _ in range(3)] == [200, 200, 429]


def test_a_repeated_answer_says_what_is_left_now(api, limited):
    first = api.post(URL, BODY, headers={"Idempotency-Key": "once"})
    again = api.post(URL, BODY, headers={"Idempotency-Key": "once"})
    assert again["Idempotency-Replayed"] == "true"
    assert (first["RateLimit-Remaining"], again["RateLimit-Remaining"]) == ("1", "0")


def test_without_a_key_nothing_is_counted(client, transactional_db, limited):
    for _ in range(3):
        answer = client.get(URL)
        assert (answer.status_code, limits(answer)) == (401, [None] * 6)


def test_without_a_limit_nothing_is_counted(api):
    assert limits(api.get(URL)) == [None] * 6
    assert not KeyRequests.objects.exists()
