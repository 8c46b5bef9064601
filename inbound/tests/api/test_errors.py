from __future__ import annotations

import json
import logging

import pytest
from rest_framework.test import APIClient

from addresses import deletion
from addresses import services as address_services
from domains.deletion import service
from domains.models import Domain, DomainDeletion
from endpoints import services
from inbound.tests.support.factories import EmailAddressFactory, EndpointFactory

URL = "/api/v2/endpoints"
BODY = {"name": "Main", "type": "webhook", "config": {"url": "https://example.org/"}}


@pytest.mark.parametrize(
    "body",
    [b"{", b"{'a': 1}", b'{"a": 1,}', b"\xff\xfe", b'{"a": NaN}', b'{"a": -Infinity}', b'{"a": 1e999}', b"[" * 100_000],
)
def test_invalid_json_is_refused(api, body):
    answer = api.post(URL, body, content_type="application/json")
    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid JSON in request body."})


@pytest.mark.parametrize("body", [b"[]", b"null", b"5", b'"text"', b"true"])
def test_a_body_must_be_an_object(api, body):
    answer = api.post(URL, body, content_type="application/json")
    assert (answer.status_code, answer.json()) == (400, {"error": "Request body must be a JSON object."})


def test_a_large_body_is_refused(api):
    body = json.dumps({**BODY, "extra": "x" * 1024 * 1024}).encode()
    answer = api.post(URL, body, content_type="application/json")
    assert (answer.status_code, answer.json()) == (400, {"error": "Request body is too large."})


@pytest.mark.parametrize("body", [b"", b"  \r\n"])
def test_an_empty_body_is_an_empty_object(api, user, body):
    endpoint = EndpointFactory.create(owner=user)
    assert api.put(f"{URL}/{endpoint.pk}", body, content_type="application/json").status_code == 200


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "text/plain",
        "application/x-www-form-urlencoded",
        "nonsense",
        "",
    ],
)
def test_the_content_type_is_ignored(api, content_type):
    assert api.generic("POST", URL, json.dumps(BODY).encode(), content_type=content_type).status_code == 201


@pytest.mark.parametrize("path", ["/api/v2/nothing", "/api/v2", "/api/v2/", "/api/v1/endpoints", "/", "/nothing"])
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_an_unknown_path_is_not_found(api, method, path):
    answer = getattr(api, method)(path)
    assert (answer.status_code, answer.json()) == (404, {"error": "Not found"})


@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
def test_a_trailing_slash_is_not_found_and_not_redirected(api, user, method):
    endpoint = EndpointFactory.create(owner=user)
    for path in (f"{URL}/", f"{URL}/{endpoint.pk}/"):
        answer = getattr(api, method)(path)
        assert (answer.status_code, answer.json()) == (404, {"error": "Not found"})


@pytest.mark.parametrize(("method", "url"), [("put", URL), ("patch", URL), ("delete", URL), ("post", f"{URL}/x")])
def test_405_has_no_body_and_lists_the_allowed_methods(api, method, url):
    answer = getattr(api, method)(url)
    assert (answer.status_code, answer.content) == (405, b"")
    assert answer["Allow"] == ("GET, POST, HEAD, OPTIONS" if url == URL else "GET, PUT, DELETE, HEAD, OPTIONS")


def test_a_query_with_too_many_parameters_is_refused(api):
    answer = api.get(f"{URL}?{'a=1&' * 2000}")
    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid request"})


def test_an_unexpected_error_is_logged_and_not_shown(api, monkeypatch, caplog):
    def fail(**_):
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr(services, "create_endpoint", fail)
    with caplog.at_level(logging.ERROR, logger="inbound.api.errors"):
        answer = api.post(URL, BODY)
    assert (answer.status_code, answer.json()) == (500, {"error": "Internal server error"})
    assert "hunter2" in caplog.text


@pytest.mark.parametrize(
    ("method", "resource", "module", "name", "missing"),
    [
        ("delete", "domains", service, "delete_domain", DomainDeletion),
        ("delete", "email-addresses", deletion, "delete_address", DomainDeletion),
        ("put", "email-addresses", address_services, "update_address", DomainDeletion),
    ],
)
def test_a_missing_row_of_another_model_is_an_unexpected_error(
    api, user, ses, monkeypatch, caplog, method, resource, module, name, missing
):
    def fail(*_, **__):
        raise missing.DoesNotExist

    address = EmailAddressFactory.create(domain__owner=user)
    pk = address.domain.pk if resource == "domains" else address.pk
    monkeypatch.setattr(module, name, fail)
    with caplog.at_level(logging.ERROR, logger="inbound.api.errors"):
        answer = getattr(api, method)(f"/api/v2/{resource}/{pk}", {})
    assert (answer.status_code, answer.json()) == (500, {"error": "Internal server error"})
    assert "DoesNotExist" in caplog.text


def test_an_address_of_a_domain_that_disappears_meanwhile_is_404(api, user, ses, monkeypatch):
    def fail(**_):
        raise Domain.DoesNotExist

    domain = EmailAddressFactory.create(domain__owner=user).domain
    monkeypatch.setattr(address_services, "create_address", fail)
    answer = api.post("/api/v2/email-addresses", {"address": f"new@{domain.name}", "domainId": domain.pk})
    assert (answer.status_code, answer.json()) == (404, {"error": "Domain not found or access denied"})


def test_an_error_in_the_middleware_is_not_shown(monkeypatch, transactional_db):
    def fail(*_, **__):
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr("whitenoise.middleware.WhiteNoiseMiddleware.__call__", fail)
    answer = APIClient(raise_request_exception=False).get(URL)
    assert (answer.status_code, answer.json()) == (500, {"error": "Internal server error"})


def test_an_unknown_host_is_refused_in_json(api):
    answer = api.get(URL, headers={"host": "evil.example"})
    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid request"})


def test_the_answer_is_json_whatever_the_client_accepts(api):
    answer = api.get(URL, headers={"accept": "text/html"})
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
