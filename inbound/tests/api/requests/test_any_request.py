"""Whatever a client sends, the API says what is wrong with it, and never that the server failed."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inbound.tests.api.routes import ROUTES
from inbound.tests.support.factories import EmailAddressFactory, EndpointFactory

BAD_TEXTS = [
    "", "\x00", "a\x00b", "\x01\x1f\x7f", "\u202e", "\ufffe", "\U0010ffff", "é", "'; --", "%00", "%", "../..", "a" * 300, "NaN",
    "-1", "9" * 30, str(2**63), str(2**31), "1e400", "²", "\u0661", "true", "null", "[]", "\ufeff", "a@b\x00.com", "xn--\x00",
]  # fmt: skip
# JSON and Python can express half of a surrogate pair, UTF-8 cannot.
HALF = "\ud800"
PARAMETERS = [
    "limit", "offset", "domainId", "isActive", "isReceiptRuleConfigured", "status", "canReceive", "check", "type", "active",
    "sortBy", "finished", "dry_run", "plan", "dryRun",
]  # fmt: skip
MEMBERS = [
    "domain", "address", "domainId", "endpointId", "webhookId", "isActive", "name", "type", "config", "description", "ids",
    "isCatchAllEnabled", "catchAllEndpointId", "emailAddress", "reason", "url", "forwardTo", "email", "emails", "headers",
    "timeout", "retryAttempts", "mailFromDomain",
]  # fmt: skip

texts = st.sampled_from(BAD_TEXTS) | st.text(max_size=10)
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
leaves |= st.sampled_from(
    [HALF, 10**400, -(2**63) - 1, "webhook", "email", "email_group", "jo@example.com", "example.com"]
)
names = st.sampled_from(MEMBERS) | texts | st.just(HALF)
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4))
# Almost right, so that they get further.
VALID: list[dict[str, Any]] = [
    {"domain": "example.org"},
    {"address": "new@example.com", "domainId": "", "isActive": True},
    {"name": "CRM", "type": "webhook", "config": {"url": "https://example.org/"}, "description": "x"},
    {"name": "Jo", "type": "email", "config": {"forwardTo": "jo@example.org", "senderName": "Jo"}},
    {"emailAddress": "spam@example.com", "reason": "spam"},
    {"isCatchAllEnabled": True, "catchAllEndpointId": ""},
    {"ids": ["x"]},
    {"mailFromDomain": "bounce"},
]
objects = st.dictionaries(names, values, max_size=6)
objects |= st.tuples(st.sampled_from(VALID), st.dictionaries(names, values, max_size=2)).map(
    lambda both: both[0] | both[1]
)
bodies = objects.map(lambda body: json.dumps(body).encode())
bodies |= st.sampled_from(
    [b"", b"\xff\xfe", b"{" * 50_000, b"[" * 50_000, b'{"a":' * 5000 + b"1" + b"}" * 5000, b"\x00", b'{"a"']
)
bodies |= st.binary(max_size=20)
queries = st.lists(st.tuples(st.sampled_from(PARAMETERS) | texts, texts), max_size=4)
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


@pytest.mark.parametrize("key", [*BAD_TEXTS, "inb_\x00", "é" * 50, "a" * 5000], ids=repr)
def test_no_key_makes_the_server_fail(transactional_db, client, key):
    answer = client.get("/api/v2/domains", HTTP_AUTHORIZATION=f"Bearer {key}".encode().decode("latin-1"))
    assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized"})


@pytest.fixture
def known(api, user, ses) -> list[str]:
    """Ids of rows of the caller."""
    address = EmailAddressFactory.create(domain__owner=user)
    return [address.pk, address.domain.pk, EndpointFactory.create(owner=user).pk]


@given(data=st.data())
@settings(max_examples=500, suppress_health_check=list(HealthCheck))
def test_no_request_makes_the_server_fail(api, known, data):
    route = data.draw(st.sampled_from(list(ROUTES)))
    pk = data.draw(st.sampled_from(known) | texts)
    path = f"/api/v2/{route.replace('<str:pk>', quote(pk, safe=''))}"
    query = urlencode(data.draw(queries))
    method, body = data.draw(st.sampled_from(METHODS)), data.draw(bodies)
    headers: dict[str, Any] = data.draw(
        st.dictionaries(st.sampled_from(["Idempotency-Key", "If-Match", "Accept"]), texts, max_size=1)
    )
    answer = api.generic(method, f"{path}?{query}", body, content_type="application/json", headers=headers)
    assert answer.status_code < 500, answer.content
