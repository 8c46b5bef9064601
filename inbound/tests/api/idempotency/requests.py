"""Requests with an `Idempotency-Key`, and checks of their answers."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.db.models import F
from rest_framework.test import APIClient

from inbound.models import IdempotencyRecord

URL = "/api/v2/endpoints"
BODY = {"name": "Main", "type": "webhook", "config": {"url": "https://example.org/", "secret": "s3cret-of-ours"}}
TABLE = IdempotencyRecord._meta.db_table


def send(client: APIClient, method: str, url: str, body: Any, key: str | None = "key-1"):
    content: Any = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.generic(method, url, content, content_type="application/json", headers=headers)


def post(client: APIClient, body: Any = BODY, key: str | None = "key-1", url: str = URL):
    return send(client, "POST", url, body, key)


def assert_replayed(answer, first) -> None:
    assert (answer.status_code, answer.content) == (first.status_code, first.content)
    assert "Idempotency-Replayed" not in first
    # Each request has an id of its own.
    assert dict(answer.items()) == {
        **dict(first.items()),
        "Idempotency-Replayed": "true",
        "X-Request-Id": answer["X-Request-Id"],
    }


def assert_refused(answer) -> None:
    sentence = "This Idempotency-Key was used for another request. Use a new key for a new request."
    assert (answer.status_code, answer.json()) == (422, {"error": sentence})


def assert_running(answer) -> None:
    sentence = "The first request with this Idempotency-Key is still running. Send it again in a few seconds."
    assert (answer.status_code, answer.json()) == (409, {"error": sentence})


def leave_running(client: APIClient) -> None:
    """As if the process had been killed before it stored the answer."""
    post(client)
    IdempotencyRecord.objects.update(status=None, headers={}, body="")


def age_records(seconds: float) -> None:
    IdempotencyRecord.objects.update(started_at=F("started_at") - timedelta(seconds=seconds))
