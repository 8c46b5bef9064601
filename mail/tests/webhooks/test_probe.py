"""POST /endpoints/{id}/test"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient
from standardwebhooks import Webhook

from endpoints.models import Endpoint
from inbound.models import Scope
from inbound.tests.support.factories import EndpointFactory, UserFactory
from mail.downloads.room import room
from mail.models import Delivery
from mail.tests.webhooks.hook import Hook

pytestmark = pytest.mark.sqlite_only


def url(endpoint: Endpoint) -> str:
    return f"/api/v2/endpoints/{endpoint.pk}/test"


def test_a_webhook_gets_a_sample_like_any_mail(hook: Hook, api: APIClient):
    hook.answers(body="thanks")

    answer = api.post(url(hook.endpoint))

    assert answer.status_code == 200
    shown = answer.json()
    (body,) = hook.bodies
    assert shown.pop("responseTime") >= 0
    assert shown == {
        "success": True,
        "message": "Webhook responded successfully (200)",
        "statusCode": 200,
        "responseBody": "thanks",
        "testPayload": body,
        "webhookFormat": "inbound",
    }
    assert (body["event"], body["email"]["recipient"]) == ("email.received", "test@yourdomain.com")
    assert body["email"]["from"]["addresses"] == [{"name": "Inbound Test", "address": "test@example.com"}]
    assert body["email"]["subject"] == "Test Email - Inbound Email Service"
    assert body["email"]["parsedData"]["raw"]
    assert body["endpoint"] == {"id": hook.endpoint.pk, "name": "Main", "type": "webhook"}
    assert not Delivery.objects.exists()


def test_the_sample_is_signed_and_marked_as_a_test(hook: Hook, api: APIClient):
    hook.set(headers={"X-Api-Key": "k"})

    api.post(url(hook.endpoint))

    (request,) = hook.requests
    headers = request["headers"]
    assert (headers["x-test-request"], headers["x-api-key"], headers["x-endpoint-id"]) == (
        "true",
        "k",
        hook.endpoint.pk,
    )
    secret = hook.endpoint.signing_secret
    assert secret
    assert Webhook(secret).verify(request["body"], headers)


@pytest.mark.parametrize("form", ["discord", "slack"])
def test_discord_and_slack_get_their_own_forms(hook: Hook, api: APIClient, form: str):
    shown = api.post(url(hook.endpoint), {"webhookFormat": form}).json()

    (request,) = hook.requests
    (body,) = hook.bodies
    assert (shown["success"], shown["testPayload"], shown["webhookFormat"]) == (True, body, form)
    assert (request["headers"]["user-agent"], request["headers"]["x-webhook-format"]) == ("InboundEmail-Test/2.0", form)
    assert request["headers"]["x-test-request"] == "true"
    expected = {"discord": ["content", "embeds"], "slack": ["text", "username", "attachments"]}
    assert list(body) == expected[form]


@pytest.mark.parametrize(
    ("answer", "message", "error"),
    [
        ({"status": 500}, "Webhook returned error (500)", "The receiver answered 500."),
        ({"fault": "reset"}, "Webhook test failed: ", "closed the connection without an answer."),
    ],
    ids=["500", "reset"],
)
def test_a_failed_test_is_an_answer_all_the_same(
    hook: Hook, api: APIClient, answer: dict[str, Any], message: str, error: str
):
    hook.answers(**answer)

    found = api.post(url(hook.endpoint))

    assert (found.status_code, found.json()["success"]) == (200, False)
    assert found.json()["message"].startswith(message)
    assert found.json()["error"].endswith(error)


def test_a_private_network_is_not_tested(hook: Hook, api: APIClient, settings: Any):
    settings.WEBHOOK_ALLOWED_NETWORKS = []

    shown = api.post(url(hook.endpoint)).json()

    assert (shown["success"], "statusCode" in shown, hook.requests) == (False, False, [])
    assert "not a public address" in shown["message"]


@pytest.mark.parametrize(
    ("kind", "config", "message", "payload"),
    [
        (
            "email",
            {"forwardTo": "x@example.org"},
            "Email forwarding endpoint configured to forward to: x@example.org",
            {"type": "email_forward_test", "forwardTo": "x@example.org"},
        ),
        (
            "email_group",
            {"emails": ["x@example.org", "y@example.org"], "preserveHeaders": True},
            "Email group endpoint configured to forward to 2 recipients",
            {"type": "email_group_test", "groupEmails": ["x@example.org", "y@example.org"], "preserveHeaders": True},
        ),
    ],
    ids=["email", "group"],
)
def test_a_forward_is_described(
    user: User, api: APIClient, kind: str, config: dict[str, Any], message: str, payload: dict[str, Any]
):
    endpoint = EndpointFactory(owner=user, type=kind, config=config)

    shown = api.post(url(endpoint)).json()

    assert (shown["success"], shown["message"]) == (True, message)
    assert shown["testPayload"] == {
        "preserveHeaders": False,
        "subject": "Test Email - Inbound Email Service",
        "from": "test@example.com",
        **payload,
        "timestamp": shown["testPayload"]["timestamp"],
    }


def test_nothing_is_forwarded_even_if_that_is_asked_for(user: User, api: APIClient):
    endpoint = EndpointFactory(owner=user, type="email", config={"forwardTo": "x@example.org"})

    answer = api.post(url(endpoint), {"send": True})

    assert (answer.status_code, answer.json()["error"].partition(".")[0]) == (400, "A test of a forward sends nothing")


@pytest.mark.parametrize("form", ["teams", 5, ["slack"], {}.fromkeys("a")])
def test_another_format_is_refused_before_the_endpoint_is_looked_up(api: APIClient, form: Any):
    answer = api.post("/api/v2/endpoints/unknown/test", {"webhookFormat": form})

    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "Invalid webhook format", "validFormats": ["inbound", "discord", "slack"]},
    )


@pytest.mark.parametrize("body", ["{", "[]", "\xff", ""])
def test_a_body_that_cannot_be_read_counts_as_none(hook: Hook, api: APIClient, body: str):
    answer = api.post(url(hook.endpoint), body, content_type="application/json")

    assert (answer.status_code, answer.json()["webhookFormat"]) == (200, "inbound")


def test_an_unknown_endpoint_and_somebody_elses_are_404(api: APIClient):
    for endpoint in (Endpoint(pk="unknown"), EndpointFactory(owner=UserFactory())):
        answer = api.post(url(endpoint))

        assert (answer.status_code, answer.json()) == (404, {"error": "Endpoint not found or access denied"})


def test_an_endpoint_that_is_switched_off_is_not_tested(user: User, api: APIClient):
    answer = api.post(url(EndpointFactory(owner=user, is_active=False)))

    assert (answer.status_code, answer.json()) == (
        400,
        {"success": False, "message": "Endpoint is disabled", "responseTime": 0, "error": "Endpoint is disabled"},
    )


def test_a_key_needs_the_scope_write(hook: Hook, user: User, client_for: Callable[..., APIClient]):
    assert client_for(user, Scope.READ).post(url(hook.endpoint)).status_code == 403
    assert client_for(user, Scope.WRITE).post(url(hook.endpoint)).status_code == 200


def test_too_many_at_once_are_told_to_come_again(hook: Hook, api: APIClient, settings: Any):
    places = max(1, settings.WEB_THREADS // 2)
    held = [room() for _ in range(places)]
    for place in held:
        place.__enter__()
    try:
        answer = api.post(url(hook.endpoint))
    finally:
        for place in held:
            place.__exit__(None, None, None)

    assert (answer.status_code, hook.requests) == (503, [])
