from __future__ import annotations

import json

import pytest

from endpoints.models import Endpoint
from inbound.models import Scope

pytestmark = pytest.mark.sqlite

URL = "/api/v2/endpoints"
WEBHOOK = {"name": "Main", "type": "webhook", "config": {"url": "https://example.org/mail"}}
MISSING = {"error": "Missing required fields", "required": ["name", "type", "config"]}
NO_TYPE = {"error": "Invalid endpoint type", "validTypes": ["webhook", "email", "email_group"]}


def test_a_webhook_is_created_and_shown(api, user):
    answer = api.post(URL, {**WEBHOOK, "description": "All mail"})
    assert answer.status_code == 201
    endpoint = Endpoint.objects.get()
    body = answer.json()
    token = endpoint.config["verificationToken"]
    assert body == {
        "id": endpoint.pk,
        "name": "Main",
        "type": "webhook",
        "webhookFormat": "inbound",
        "config": {"url": "https://example.org/mail", "verificationToken": token, "secret": endpoint.secret},
        "signingSecret": endpoint.secret,
        "previousSecretValidUntil": None,
        "isActive": True,
        "inactiveReason": None,
        "description": "All mail",
        "userId": str(user.pk),
        "createdAt": body["createdAt"],
        "updatedAt": body["updatedAt"],
        "groupEmails": None,
        "deliveryStats": {"total": 0, "successful": 0, "failed": 0, "lastDelivery": None},
        "warning": "example.org has no address in DNS.",
    }
    assert endpoint.owner == user
    assert len(endpoint.pk) == 21


def test_a_group_is_created_with_its_addresses(api):
    config = {"emails": ["jo@example.org", "mo@example.org"], "senderName": "Team"}
    answer = api.post(URL, {"name": "Team", "type": "email_group", "config": config})
    assert answer.status_code == 201
    assert answer.json()["groupEmails"] == config["emails"]
    assert answer.json()["config"] == config


def test_the_sdk_may_give_the_timeout_in_milliseconds(api):
    config = {"url": "https://example.org/", "timeout": 30000, "retryAttempts": 3}
    answer = api.post(URL, {"name": "example.com Webhook", "type": "webhook", "config": config})
    assert answer.status_code == 201
    assert answer.json()["config"]["timeout"] == 30


def test_the_sdk_may_give_email_for_forward_to(api):
    answer = api.post(URL, {"name": "Forward", "type": "email", "config": {"email": "jo@example.org"}})
    assert answer.status_code == 201
    assert answer.json()["config"] == {"forwardTo": "jo@example.org", "email": "jo@example.org"}
    assert Endpoint.objects.get().config == {"forwardTo": "jo@example.org"}


@pytest.mark.parametrize("description", ["", None, "   "])
def test_a_missing_description_is_shown_as_null(api, description):
    answer = api.post(URL, {**WEBHOOK, "description": description})
    assert answer.status_code == 201
    assert answer.json()["description"] is None
    assert Endpoint.objects.get().description == ""


def test_fields_that_a_client_cannot_set_are_ignored(api, user):
    extra = {"isActive": False, "webhookFormat": "slack", "id": "mine", "userId": "0", "deliveryStats": 5}
    answer = api.post(URL, {**WEBHOOK, **extra})
    assert answer.status_code == 201
    assert answer.json()["isActive"] is True
    assert answer.json()["webhookFormat"] == "inbound"
    assert answer.json()["id"] != "mine"
    assert answer.json()["userId"] == str(user.pk)


def test_two_endpoints_may_have_the_same_name(api):
    assert api.post(URL, WEBHOOK).status_code == api.post(URL, WEBHOOK).status_code == 201


def without(name: str) -> dict:
    return {key: value for key, value in WEBHOOK.items() if key != name}


@pytest.mark.parametrize(
    "body",
    [
        {},
        *(without(name) for name in WEBHOOK),
        *({**WEBHOOK, name: None} for name in WEBHOOK),
        *({**WEBHOOK, name: ""} for name in WEBHOOK),
        {**WEBHOOK, "name": "   "},
    ],
)
def test_missing_fields_are_listed(api, body):
    answer = api.post(URL, body)
    assert (answer.status_code, answer.json()) == (400, MISSING)


@pytest.mark.parametrize("kind", ["fax", "WEBHOOK", "webhook ", 5, True, [], ["webhook"], {"a": 1}, "web\x00hook"])
def test_an_unknown_type_is_refused_with_the_valid_types(api, kind):
    answer = api.post(URL, {**WEBHOOK, "type": kind})
    assert (answer.status_code, answer.json()) == (400, NO_TYPE)


@pytest.mark.parametrize(
    ("config", "details"),
    [
        ({}, "Webhook URL is required"),
        ({"url": "gopher://example.org"}, "Invalid webhook URL format"),
        ({"url": "https://example.org", "timeout": 0}, "Timeout must be a number between 1 and 300 seconds"),
        ({"url": "https://example.org", "headers": []}, "Headers must be an object of strings"),
        ([], "Configuration must be an object"),
        ("text", "Configuration must be an object"),
        (5, "Configuration must be an object"),
        (True, "Configuration must be an object"),
    ],
)
def test_an_invalid_config_is_refused_with_its_reason(api, config, details):
    answer = api.post(URL, {**WEBHOOK, "config": config})
    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid configuration", "details": details})


@pytest.mark.parametrize(
    "change",
    [
        {"name": 5},
        {"name": True},
        {"name": ["Main"]},
        {"name": {}},
        {"name": "x" * 256},
        {"name": "x" * 100_000},
        {"name": "a\x00b"},
        {"name": "\ud800"},
        {"description": 5},
        {"description": []},
        {"description": "x" * 1001},
        {"description": "a\x00b"},
        {"config": {"url": "https://example.org", "note": "a\x00b"}},
        {"config": {"url": "https://example.org", "\udfff": 1}},
        {"config": {"url": "https://example.org", "note": "x" * 40_000}},
        {"config": {"url": "\ud800"}},
        {"type": "email_group", "config": {"emails": ["\ud800"]}},
        {"type": "\ud800"},
    ],
)
def test_values_that_cannot_be_stored_are_refused(api, change):
    # Escaped, because UTF-8 cannot encode it.
    body = json.dumps({**WEBHOOK, **change})
    answer = api.post(URL, body, content_type="application/json")
    assert answer.status_code == 400
    assert isinstance(answer.json()["error"], str)
    assert not Endpoint.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff",
        b'[{"name": "Main"}]',
        b'{"name": "Main", "type": "webhook", "config": {"url": "https://example.org", "n": NaN}}',
        b'{"name": "Main", "type": "webhook", "config": {"url": "https://example.org", "n": 1e999}}',
        b'{"name": "Main", "type": "webhook", "config": ' + b'{"a":' * 500 + b"1" + b"}" * 501,
        b"[" * 200_000,
        b'{"name": ' + b"9" * 5000 + b"}",
    ],
)
def test_a_body_must_be_a_json_object(api, body):
    answer = api.post(URL, body, content_type="application/json")
    assert answer.status_code == 400
    assert isinstance(answer.json()["error"], str)
    assert not Endpoint.objects.exists()


def test_a_name_may_have_255_characters(api):
    assert api.post(URL, {**WEBHOOK, "name": "ü" * 255}).json()["name"] == "ü" * 255


def test_writing_needs_the_write_scope(client_for, user):
    answer = client_for(user, Scope.READ, Scope.DELETE).post(URL, WEBHOOK)
    assert (answer.status_code, answer.json()) == (403, {"error": "This API key lacks the 'write' scope."})
    assert not Endpoint.objects.exists()


def test_creating_makes_no_call(api, aws):
    api.post(URL, WEBHOOK)
    assert aws.journal() == []
