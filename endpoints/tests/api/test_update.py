from __future__ import annotations

import json

import pytest
from django.forms.models import model_to_dict

from endpoints import services
from endpoints.models import Endpoint
from inbound.models import Scope
from inbound.tests.support.factories import SECRET, EndpointFactory

pytestmark = pytest.mark.sqlite

TOKEN = {"verificationToken": "a-token"}
GROUP = {"emails": ["jo@example.org", "mo@example.org"]}


@pytest.fixture
def endpoint(user):
    config = {"url": "https://hooks.example.org/mail", "timeout": 30, **TOKEN}
    return EndpointFactory.create(owner=user, description="All mail", config=config)


@pytest.fixture
def put(api, endpoint):
    return lambda body: api.put(f"/api/v2/endpoints/{endpoint.pk}", body)


def test_the_answer_has_every_field_of_the_contract(put, endpoint, user):
    answer = put({"name": "Other", "isActive": False})
    assert answer.status_code == 200
    body = answer.json()
    assert body == {
        "id": endpoint.pk,
        "name": "Other",
        "type": "webhook",
        "webhookFormat": "inbound",
        "config": {"url": "https://hooks.example.org/mail", "timeout": 30, **TOKEN, "secret": SECRET},
        "signingSecret": SECRET,
        "previousSecretValidUntil": None,
        "isActive": False,
        "inactiveReason": None,
        "description": "All mail",
        "userId": str(user.pk),
        "createdAt": body["createdAt"],
        "updatedAt": body["updatedAt"],
        "groupEmails": None,
    }


@pytest.mark.parametrize(
    ("body", "field", "stored"),
    [
        ({"name": "Other"}, "name", "Other"),
        ({"name": ""}, "name", ""),
        ({"description": "New"}, "description", "New"),
        ({"description": None}, "description", ""),
        ({"description": ""}, "description", ""),
        ({"isActive": False}, "is_active", False),
        ({"config": {"url": "https://other.example.org/"}}, "config", {"url": "https://other.example.org/", **TOKEN}),
        (
            {"config": {"url": "http://a.example", "timeout": 5000}},
            "config",
            {"url": "http://a.example", "timeout": 5, **TOKEN},
        ),
    ],
)
def test_only_the_given_fields_change(put, endpoint, body, field, stored):
    before = model_to_dict(endpoint)
    assert put(body).status_code == 200
    endpoint.refresh_from_db()
    assert model_to_dict(endpoint) == {**before, field: stored}


def test_an_empty_body_sets_only_updated_at(put, endpoint):
    before = model_to_dict(endpoint), endpoint.updated_at
    assert put({}).status_code == 200
    endpoint.refresh_from_db()
    assert model_to_dict(endpoint) == before[0]
    assert endpoint.updated_at > before[1]


def test_type_and_format_cannot_change(put, endpoint):
    answer = put({"type": "email", "webhookFormat": "slack", "id": "other", "userId": "0"})
    assert answer.status_code == 200
    assert (answer.json()["type"], answer.json()["webhookFormat"]) == ("webhook", "inbound")


def test_a_groups_addresses_are_replaced(api, user):
    group = EndpointFactory.create(owner=user, type="email_group", config=GROUP)
    answer = api.put(f"/api/v2/endpoints/{group.pk}", {"config": {"emails": ["new@example.org"]}})
    assert answer.json()["groupEmails"] == ["new@example.org"]


def test_a_config_is_checked_against_the_stored_type(put):
    answer = put({"type": "email_group", "config": GROUP})
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "Invalid configuration", "details": "Webhook URL is required"},
    )


@pytest.mark.parametrize(
    "body",
    [
        {"name": None},
        {"name": 5},
        {"name": ["Main"]},
        {"name": "x" * 256},
        {"name": "a\x00b"},
        {"name": "\ud800"},
        {"description": 5},
        {"description": {}},
        {"description": "x" * 1001},
        {"isActive": None},
        {"isActive": "true"},
        {"isActive": 1},
        {"isActive": []},
        {"config": None},
        {"config": ""},
        {"config": []},
        {"config": {}},
        {"config": {"url": 5}},
        {"config": {"url": "https://example.org", "timeout": True}},
        {"config": {"url": "https://example.org", "note": "a\x00b"}},
        {"config": {"url": "https://example.org", "note": "x" * 40_000}},
        {"name": "Good", "isActive": "bad"},
        {"name": "Good", "config": {}},
        [],
        "text",
    ],
)
def test_an_invalid_body_changes_nothing(api, endpoint, body):
    before = model_to_dict(endpoint), endpoint.updated_at
    answer = api.put(f"/api/v2/endpoints/{endpoint.pk}", json.dumps(body), content_type="application/json")
    assert answer.status_code == 400
    assert isinstance(answer.json()["error"], str)
    endpoint.refresh_from_db()
    assert (model_to_dict(endpoint), endpoint.updated_at) == before


def test_an_endpoint_deleted_during_the_request_is_not_recreated(put, endpoint, monkeypatch):
    update = services.update_endpoint

    def deleted_first(**values):
        Endpoint.objects.all().delete()
        return update(**values)

    monkeypatch.setattr(services, "update_endpoint", deleted_first)
    answer = put({"name": "Other"})
    assert (answer.status_code, answer.json()) == (404, {"error": "Endpoint not found"})
    assert not Endpoint.objects.exists()


def test_writing_needs_the_write_scope(client_for, user, endpoint):
    answer = client_for(user, Scope.READ).put(f"/api/v2/endpoints/{endpoint.pk}", {"name": "Other"})
    assert (answer.status_code, answer.json()) == (403, {"error": "This API key lacks the 'write' scope."})


@pytest.mark.parametrize("host", ["hooks", "other"])
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("headers", {"X-Key": "***", "X-Other": "1"}),
        ("headers", '{"X-Key": "***"}'),
        ("secret", "***"),
        ("verificationToken", "***"),
        ("url", "https://{}.example.org/?a=1&apikey=***"),
        ("custom", [{"apiKey": "***"}]),
    ],
)
def test_what_stands_for_a_hidden_value_is_never_stored(put, endpoint, host, key, value):
    url = f"https://{host}.example.org/mail"
    before = model_to_dict(endpoint)
    answer = put({"config": {"url": url, key: value.format(host) if key == "url" else value}})
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "Invalid configuration", "details": f"{key} contains ***, which stands for a hidden value"},
    )
    endpoint.refresh_from_db()
    assert model_to_dict(endpoint) == before


def test_disabling_makes_no_call(put, aws):
    put({"isActive": False})
    assert aws.journal() == []


@pytest.fixture
def forwarder(api):
    made = api.post("/api/v2/endpoints", {"name": "Forward", "type": "email", "config": {"email": "jo@example.org"}})
    return made.json()["id"]


def test_an_address_is_read_under_both_its_names_however_it_was_given(api, forwarder):
    api.post("/api/v2/endpoints", {"name": "Other", "type": "email", "config": {"forwardTo": "jo@example.org"}})
    both = {"forwardTo": "jo@example.org", "email": "jo@example.org"}
    assert [row["config"] for row in api.get("/api/v2/endpoints").json()["data"]] == [both, both]
    assert api.get(f"/api/v2/endpoints/{forwarder}").json()["config"] == both


@pytest.mark.parametrize(
    ("change", "address"),
    [
        ({}, "jo@example.org"),
        ({"email": "mo@example.org"}, "mo@example.org"),
        ({"forwardTo": "mo@example.org"}, "mo@example.org"),
        ({"forwardTo": "mo@example.org", "email": "mo@example.org"}, "mo@example.org"),
        ({"forwardTo": "mo@example.org", "email": "lo@example.org"}, "mo@example.org"),
        ({"email": None}, "jo@example.org"),
        ({"forwardTo": None}, "jo@example.org"),
    ],
)
def test_a_config_that_was_read_can_be_sent_back_with_either_name_changed(api, forwarder, change, address):
    url = f"/api/v2/endpoints/{forwarder}"
    answer = api.put(url, {"config": {**api.get(url).json()["config"], **change}})
    assert (answer.status_code, answer.json()["config"]) == (200, {"forwardTo": address, "email": address})
    assert Endpoint.objects.get().config == {"forwardTo": address}
