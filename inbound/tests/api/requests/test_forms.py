"""Forms of one request that mean the same."""

from __future__ import annotations

import codecs
import json

import pytest

from domains.models import Domain
from endpoints.models import Endpoint
from inbound.tests.api.routes import ROUTES
from inbound.tests.support.factories import EmailAddressFactory

ENDPOINTS = "/api/v2/endpoints"
BODY = {"name": "Mine", "type": "webhook", "config": {"url": "https://example.org/"}}


@pytest.mark.parametrize("text", [json.dumps(BODY), " \r\n" + json.dumps(BODY)])
def test_a_byte_order_mark_is_ignored(api, text):
    answer = api.post(ENDPOINTS, codecs.BOM_UTF8 + text.encode(), content_type="application/json")
    assert answer.status_code == 201


def test_a_byte_order_mark_alone_is_an_empty_body(api):
    answer = api.post(ENDPOINTS, codecs.BOM_UTF8, content_type="application/json")
    assert answer.json()["error"] == "Missing required fields"


def test_a_byte_order_mark_does_not_make_another_request_of_a_repeated_one(api):
    body, key = json.dumps(BODY).encode(), {"Idempotency-Key": "once"}
    api.post(ENDPOINTS, body, content_type="application/json", headers=key)
    again = api.post(ENDPOINTS, codecs.BOM_UTF8 + body, content_type="application/json", headers=key)
    assert (again.status_code, again["Idempotency-Replayed"]) == (201, "true")


@pytest.mark.parametrize(
    "text", [codecs.BOM_UTF8 * 2 + b"{}", b"{}" + codecs.BOM_UTF8, codecs.BOM_UTF16_LE + "{}".encode("utf-16-le")]
)
def test_other_marks_are_not_json(api, text):
    answer = api.post(ENDPOINTS, text, content_type="application/json")
    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid JSON in request body."})


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("slashes", ["//", "///"])
def test_a_base_url_may_end_with_slashes(api, user, ses, route, slashes):
    path = route.replace("<str:pk>", EmailAddressFactory.create(domain__owner=user).domain.pk)
    answer = api.get(f"/api/v2{slashes}{path}")
    assert answer.status_code == api.get(f"/api/v2/{path}").status_code
    assert "Location" not in answer


def test_a_body_arrives_under_a_base_url_with_a_slash(api, ses):
    assert api.post("/api/v2//endpoints", BODY).status_code == 201
    made = api.post("/api/v2//domains", {"domain": "example.com"}).json()
    assert api.delete(f"/api/v2//domains/{made['id']}").status_code == 200
    assert (Endpoint.objects.count(), Domain.objects.count()) == (1, 0)


def test_slashes_elsewhere_are_not_ignored(api, user):
    pk = EmailAddressFactory.create(domain__owner=user).domain.pk
    for path in (f"//api/v2/domains/{pk}", f"/api/v2/domains//{pk}", f"/api//v2/domains/{pk}", "/api/v2/domains//"):
        assert api.delete(path).status_code == 404
    assert Domain.objects.exists()


@pytest.mark.parametrize("route", ROUTES)
def test_allow_lists_exactly_the_methods_that_are_answered(api, route):
    path = f"/api/v2/{route.replace('<str:pk>', 'x')}"
    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
    answers = {method: api.generic(method, path) for method in methods}
    answered = {method for method, answer in answers.items() if answer.status_code != 405}
    assert {frozenset(answer["Allow"].split(", ")) for answer in answers.values()} == {frozenset(answered)}


FLAGS = [
    ("email-addresses", "isActive"),
    ("email-addresses", "isReceiptRuleConfigured"),
    ("domains", "canReceive"),
    ("domains", "check"),
    ("domains/{}", "check"),
    ("endpoints", "active"),
    ("deletions", "finished"),
]


@pytest.mark.parametrize(("path", "name"), FLAGS)
def test_a_flag_has_one_value(api, user, path, name):
    pk = EmailAddressFactory.create(domain__owner=user).domain.pk
    url = f"/api/v2/{path.format(pk)}?{name}="
    for second in ("false", "", "TRUE"):
        answer = api.get(f"{url}true&{name}={second}")
        assert (answer.status_code, answer.json()) == (
            400,
            {"error": f"{name} is given more than once, with different values."},
        )
    assert api.get(f"{url}false&{name}=false").status_code in (200, 404)


@pytest.mark.parametrize("text", ["TRUE", "True", "1", "yes", "", "null", "true,false", "%00", "%ED%A0%80"])
@pytest.mark.parametrize(("path", "name"), FLAGS)
def test_a_flag_is_true_or_false_and_nothing_else(api, user, path, name, text):
    pk = EmailAddressFactory.create(domain__owner=user).domain.pk
    answer = api.get(f"/api/v2/{path.format(pk)}?{name}={text}")
    assert (answer.status_code, answer.json()) == (400, {"error": f"{name} must be true or false"})
