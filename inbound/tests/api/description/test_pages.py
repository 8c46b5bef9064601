"""`/api/v2/openapi.json` is a valid description with words and examples, and `/api/v2/docs` shows it from this server alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from drf_spectacular.validation import validate_schema
from jsonschema_rs import Draft202012Validator

from inbound.tests.api.routes import ROUTES, path_of
from rest.schema.answers import ERRORS


@pytest.fixture
def described(client) -> dict[str, Any]:
    answer = client.get("/api/v2/openapi.json")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    return dict(answer.json())


def operations(described: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in described["paths"].values():
        yield from path.values()


def test_the_description_is_openapi_3_1_and_needs_no_key(described, capsys):
    assert described["openapi"].startswith("3.1.")
    validate_schema(described)


def test_making_it_warns_of_nothing(described, capsys):
    assert capsys.readouterr().err == ""


def test_every_operation_says_what_it_does_and_which_errors_it_has(described):
    for operation in operations(described):
        assert re.fullmatch(r"[A-Z].+[^.]", operation["summary"]), operation
        assert operation["security"] == [{"ApiKey": []}]
        assert {"400", "401", "403", "429", "500", "503"} <= set(operation["responses"])
    summaries = [(*operation["tags"], operation["summary"]) for operation in operations(described)]
    assert len(summaries) == len(set(summaries))


def test_every_reference_leads_somewhere(described):
    for reference in re.findall(r"'#/(components/\w+/[\w-]+)'", str(described)):
        part = described
        for name in reference.split("/"):
            part = part[name]


def test_every_text_number_and_flag_has_an_example_of_its_kind(described):
    for name, component in described["components"]["schemas"].items():
        for member, shape in component.get("properties", {}).items():
            kinds = {*([shape["type"]] if isinstance(shape.get("type"), str) else shape.get("type", []))} - {"null"}
            if kinds & {"string", "integer", "boolean"} and not {"const", "enum"} & set(shape):
                assert len(shape.get("examples", [])) == 1, (name, member)
                assert Draft202012Validator(shape).is_valid(shape["examples"][0]), (name, member)


@pytest.mark.parametrize(
    ("component", "member", "example"),
    [
        ("AddressChange", "webhookId", None),
        ("Stored", "bucketName", None),
        ("RedeliverBody", "status", "failed"),
        ("RecordToPublish", "type", "MX"),
        ("BlockBody", "reason", "Advertising"),
        ("Attempt", "responseCode", 503),
    ],
)
def test_an_example_is_one_that_this_member_can_have(described, component, member, example):
    assert described["components"]["schemas"][component]["properties"][member]["examples"] == [example]


@pytest.mark.parametrize(
    ("path", "method", "summary"),
    [
        (
            "ses/status",
            "get",
            "Show quotas, workers and what needs you, and list how far SES follows each domain",
        ),
        ("audit-log", "get", "List changes, newest first"),
        ("blocked-emails", "post", "Block an email address"),
        ("blocked-emails", "get", "List blocked emails"),
        ("domains/{id}", "put", "Switch the catch-all of a domain on or off"),
        ("mail/{id}/thread", "get", "List the newest emails of a thread, oldest first"),
    ],
)
def test_a_summary_says_what_the_operation_does(described, path, method, summary):
    assert described["paths"][f"/api/v2/{path}"][method]["summary"] == summary


@pytest.mark.parametrize("path", ["/api/v2/docs", "/api/v2/openapi.json", "/favicon.ico"])
def test_pages_are_only_read(client, path):
    assert client.get(path).status_code == client.head(path).status_code == 200
    answer = client.post(path)
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")


def test_the_page_needs_no_other_server_and_no_code_of_its_own(client):
    answer = client.get("/api/v2/docs")
    page = answer.content.decode()
    assert "script-src 'self';" in answer["Content-Security-Policy"]
    assert not re.search(r"<script>|<style|\bon\w+=|https?://|//[a-z]", page)
    files = re.findall(r'(?:src|href)="/static/([^"]+)"', page)
    assert len(files) == 5
    assert all(finders.find(file) for file in files)


@pytest.mark.parametrize("status", ERRORS)
def test_an_error_is_described_as_it_is(described, status):
    shape = described["components"]["responses"][f"Error{status}"]["content"]["application/json"]["schema"]
    assert shape == {"$ref": "#/components/schemas/Error"}


def test_the_errors_that_every_client_meets_are_as_described(client, api, described):
    error = Draft202012Validator(described["components"]["schemas"]["Error"])
    for route in ROUTES:
        answers = [client.get(path_of(route)), api.get(path_of(route) + "?unknown=1")]
        for answer in answers:
            if answer.status_code != 405:
                assert error.is_valid(answer.json()), route
                assert str(answer.status_code) in ERRORS
