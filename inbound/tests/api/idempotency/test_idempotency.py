from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from endpoints.models import Endpoint
from inbound.api.idempotency import METHODS
from inbound.models import IdempotencyRecord, Scope
from inbound.tests.api.idempotency.requests import BODY, TABLE, URL, assert_refused, assert_replayed, post, send
from inbound.tests.api.routes import ROUTES, allows
from inbound.tests.support.aws import fail_calls, recover_and_run_worker
from inbound.tests.support.factories import (
    BlockedEmailFactory,
    DomainFactory,
    EmailAddressFactory,
    EndpointFactory,
    UserFactory,
)

pytestmark = pytest.mark.sqlite

# Bodies of writes that succeed with `rows`. The others are sent without a body, and their errors are stored as well.
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "domains"): {"domain": "example.net"},
    ("PUT", "domains/<str:pk>"): {"isCatchAllEnabled": False},
    ("DELETE", "domains/<str:pk>"): {},
    ("POST", "email-addresses"): {"address": "new@example.com", "domainId": "domains"},
    ("PUT", "email-addresses/<str:pk>"): {"isActive": False},
    ("DELETE", "email-addresses/<str:pk>"): {},
    ("POST", "blocked-emails"): {"emailAddress": "new@example.com"},
    ("DELETE", "blocked-emails/<str:pk>"): {},
    ("POST", "endpoints"): BODY,
    ("PUT", "endpoints/<str:pk>"): {"name": "Other"},
    ("DELETE", "endpoints/<str:pk>"): {},
}


@pytest.fixture
def rows(ses, user) -> None:
    """One row of each kind. Its id is the first part of its path."""
    endpoint = EndpointFactory.create(pk="endpoints", owner=user)
    domain = DomainFactory.create(
        pk="domains", owner=user, name="example.com", is_catch_all_enabled=True, catch_all_endpoint=endpoint
    )
    EmailAddressFactory.create(pk="email-addresses", domain=domain)
    BlockedEmailFactory.create(pk="blocked-emails", domain=domain)


WRITES = [(method, route) for route in ROUTES for method in sorted(METHODS) if allows(route, method)]


def test_every_write_of_the_api_is_covered():
    assert set(BODIES) <= set(WRITES)


@pytest.mark.parametrize(("method", "route"), WRITES)
def test_a_repeated_write_is_carried_out_once_and_another_request_is_refused(rows, ses, api, method, route):
    url = "/api/v2/" + re.sub("<[^>]+>", route.partition("/")[0], route)
    body = BODIES.get((method, route), {})
    ses.clear_journal()
    first = send(api, method, url, body)
    assert first.status_code < (300 if (method, route) in BODIES else 500)

    ses.clear_journal()
    with CaptureQueriesContext(
        connection,
    ) as statements:
        assert_replayed(send(api, method, url, body), first)
        assert_refused(send(api, method, url, {**body, "other": 1}))
    assert ses.journal() == []
    read_or_claimed = re.compile(f'FROM "inbound_apikey"|(INTO|UPDATE|FROM) "{TABLE}"')
    assert [query["sql"] for query in statements if not read_or_claimed.search(query["sql"])] == []


@pytest.mark.parametrize(
    ("method", "url"), [("PUT", URL), ("DELETE", URL), ("POST", f"{URL}/nothing"), ("POST", f"{URL}?a=1")]
)
def test_another_method_path_or_query_is_another_request(api, method, url):
    assert post(api).status_code == 201
    assert_refused(send(api, method, url, BODY))


def test_order_of_keys_and_white_space_do_not_matter(api):
    first = post(api)
    assert_replayed(post(api, json.dumps(BODY, sort_keys=True, indent=2).encode()), first)
    assert Endpoint.objects.count() == 1


def test_the_order_of_query_parameters_does_not_matter(api):
    first = post(api, url=f"{URL}?a=1&b=2&a=0")
    assert first.status_code == 400
    assert_replayed(post(api, url=f"{URL}?b=2&a=1&a=0"), first)
    assert_refused(post(api, url=f"{URL}?a=0&b=2&a=1"))


def test_a_refusal_is_replayed(api):
    first = post(api, {**BODY, "type": "pigeon"})
    assert first.status_code == 400
    assert_replayed(post(api, {**BODY, "type": "pigeon"}), first)


def test_405_is_replayed_without_a_body(api):
    first = send(api, "DELETE", URL, {})
    assert (first.status_code, first.content) == (405, b"")
    assert_replayed(send(api, "DELETE", URL, {}), first)


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b'{"a": NaN}', b'{"a": ' + b"[" * 980 + b"]" * 980 + b"}"])
def test_an_invalid_body_is_compared_byte_by_byte(api, body):
    first = post(api, body)
    assert first.status_code == 400
    assert_replayed(post(api, body), first)
    assert_refused(post(api, b'{"a": 1}'))


@pytest.mark.parametrize("size", [1024 * 1024, 3 * 1024 * 1024])
def test_a_large_body_is_refused_as_without_a_key(api, size):
    answer = post(api, {**BODY, "extra": "x" * size})
    assert (answer.status_code, answer.json()) == (400, {"error": "Request body is too large."})


@pytest.mark.parametrize("key", ["", "x" * 256, "two words", " ", "caf\u00e9", "tab\t", "\x7f"])
def test_an_invalid_key_is_refused_before_any_work(api, key):
    answer = post(api, key=key)
    sentence = "Idempotency-Key must be 1 to 255 visible ASCII characters."
    assert (answer.status_code, answer.json()) == (400, {"error": sentence})
    assert not Endpoint.objects.exists()
    assert not IdempotencyRecord.objects.exists()


@pytest.mark.parametrize("key", ["x" * 255, "!", '"8e03978e-40d5-43dd-bc93-6894a57f9324"', "~,;'"])
def test_a_key_may_have_any_visible_characters(api, key):
    first = post(api, key=key)
    assert_replayed(post(api, key=key), first)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("key", ["key-1", "no key"])
def test_reading_ignores_the_key(api, method, key):
    answer = send(api, method, URL, {}, key)
    assert answer.status_code == send(api, method, URL, {}, None).status_code
    assert not IdempotencyRecord.objects.exists()


def test_a_key_costs_two_statements(api):
    post(api, key=None)
    with CaptureQueriesContext(connection) as without:
        post(api, key=None)
    with CaptureQueriesContext(connection) as with_one:
        post(api)
    assert not any(TABLE in query["sql"] for query in without)
    assert [query["sql"].split()[0] for query in with_one if TABLE in query["sql"]] == ["INSERT", "UPDATE"]
    assert len(with_one) == len(without) + 2


def test_two_owners_may_use_the_same_key(api, client_for):
    first = post(api)
    other = client_for(UserFactory.create())
    theirs = post(other, {**BODY, "name": "Theirs"})
    assert (theirs.status_code, theirs.json()["name"]) == (201, "Theirs")
    assert_replayed(post(other, {**BODY, "name": "Theirs"}), theirs)
    assert_replayed(post(api), first)


def test_a_retry_may_use_another_api_key_of_the_owner(api, client_for, user):
    first = post(api)
    user.api_keys.update(revoked_at="2026-01-01T00:00:00Z")
    assert_replayed(post(client_for(user, Scope.WRITE)), first)


def test_a_replay_needs_the_scope(api, client_for, user):
    post(api)
    assert post(APIClient()).status_code == 401
    assert post(client_for(user, Scope.READ, Scope.DELETE)).status_code == 403


def test_a_forbidden_request_leaves_the_key_free(client_for, user):
    assert post(client_for(user, Scope.READ)).status_code == 403
    assert post(client_for(user), {**BODY, "name": "Other"}).status_code == 201


def test_a_stored_answer_cannot_be_read_without_the_request(api):
    first = post(api)
    assert "s3cret-of-ours" in first.content.decode()
    record = IdempotencyRecord.objects.get()
    kept = " ".join(str(getattr(record, field.attname)) for field in record._meta.concrete_fields)
    for told in ("s3cret-of-ours", "example.org", Endpoint.objects.get().pk):
        assert told not in kept
    assert_replayed(post(api), first)


def test_a_stored_answer_cannot_be_read_without_the_secret_key(api, settings):
    post(api)
    settings.SECRET_KEY = "guessed"
    assert_refused(post(api))


def test_a_replayed_deletion_has_its_first_answer(rows, ses, api, settings):
    settings.SES_REQUEST_BUDGET = 0.4
    fail_calls(ses)
    url = "/api/v2/domains/domains"
    first = send(api, "DELETE", url, {})
    assert first.json()["deletedResources"]["sesReceiptRules"] is False
    recover_and_run_worker(ses)
    assert_replayed(send(api, "DELETE", url, {}), first)
    assert send(api, "DELETE", url, {}, None).status_code == 404
