"""An attempt posts the email to the receiver, signed, and says what came of it."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from standardwebhooks import Webhook

from mail.delivery.claims import release
from mail.delivery.result import Kind
from mail.models import Delivery, Message
from mail.tests.inbox import mail_with
from mail.tests.webhooks.hook import RAW, Hook
from mail.webhooks.attempt import attempt
from mail.webhooks.payload import Addressee, payload
from mail.webhooks.size import encoded
from ses_integration.aws import clients

pytestmark = pytest.mark.sqlite

NO_S3 = {"service": "s3", "action": "GetObject", "fault": "error", "status": 503, "code": "SlowDown", "times": None}
LARGE = mail_with(("a.bin", "application/octet-stream", bytes(256 * 1024)))


def test_a_receiver_gets_the_email_and_can_verify_it(hook: Hook):
    claimed = hook.deliver()

    result = attempt(claimed)

    assert result.kind == Kind.DELIVERED
    (request,) = hook.requests
    delivery = hook.delivery(claimed)
    expected = encoded(payload(delivery.received, Addressee(hook.endpoint.pk, "Main"), RAW.decode()))
    assert request["body"].encode() == expected
    assert result.body_digest == hashlib.sha256(expected).hexdigest()
    secret = hook.endpoint.signing_secret
    assert secret
    assert Webhook(secret).verify(request["body"], request["headers"])["event"] == "email.received"


def test_the_headers_are_those_of_the_contract(hook: Hook):
    claimed = hook.deliver()

    attempt(claimed)

    (request,) = hook.requests
    (body,) = hook.bodies
    known = {name: value for name, value in request["headers"].items() if name.startswith("x-")}
    assert known.pop("x-webhook-signature").startswith("sha256=")
    assert known == {
        "x-webhook-event": "email.received",
        "x-endpoint-id": hook.endpoint.pk,
        "x-webhook-timestamp": body["timestamp"],
        "x-email-id": body["email"]["id"],
        "x-message-id": "<1@example.net>",
        "x-webhook-attempt": "1",
        "x-webhook-verification-token": hook.endpoint.config["verificationToken"],
    }
    assert request["headers"]["webhook-id"] == f"msg_{claimed.pk}"
    assert request["headers"]["user-agent"] == "InboundEmail-Webhook/1.0"
    assert request["headers"]["content-type"] == "application/json"


def test_another_attempt_has_the_same_body_and_id_and_another_number(hook: Hook):
    hook.answers(status=500, times=1)
    first = hook.deliver()
    attempt(first)
    hook.endpoint.name = "Renamed"
    hook.endpoint.save()
    release([first], begun=True)

    assert attempt(hook.claim()).kind == Kind.DELIVERED

    one, other = hook.requests
    assert (one["body"], one["headers"]["webhook-id"]) == (other["body"], other["headers"]["webhook-id"])
    assert [it["headers"]["x-webhook-attempt"] for it in (one, other)] == ["1", "2"]


def test_response_data_is_that_of_the_contract(hook: Hook):
    hook.set(url=f"{hook.endpoint.config['url']}?token=hidden")
    hook.answers(status=201, body="thanks")

    result = attempt(hook.deliver())

    assert list(result.response) == ["responseCode", "responseBody", "deliveryTime", "error", "url", "deliveredAt"]
    assert (result.response["responseCode"], result.response["responseBody"], result.response["error"]) == (
        201,
        "thanks",
        None,
    )
    assert result.response["url"] == f"{hook.aws.url}/_hooks/main?token=***"
    assert (result.status_code, result.excerpt, result.problem) == (201, "thanks", "")
    assert result.response["deliveredAt"]


def test_what_has_failed_was_not_delivered_at_any_time(hook: Hook):
    hook.answers(status=500)

    assert attempt(hook.deliver()).response["deliveredAt"] is None


@pytest.mark.parametrize(
    ("answer", "kind", "problem"),
    [
        ({"status": 204}, Kind.DELIVERED, ""),
        ({"status": 500, "body": "oops"}, Kind.FAILED, "The receiver answered 500."),
        ({"status": 404}, Kind.FAILED, "The receiver answered 404."),
        ({"status": 410}, Kind.GONE, "The receiver answered 410: it wants no mail any more."),
        (
            {"fault": "redirect"},
            Kind.FAILED,
            "The receiver answered 302: redirects are not followed. Set the URL that it leads to.",
        ),
    ],
    ids=lambda it: str(it.get("status", "redirect")) if isinstance(it, dict) else "",
)
def test_the_status_decides(hook: Hook, answer: dict[str, Any], kind: Kind, problem: str):
    hook.answers(**answer)

    result = attempt(hook.deliver())

    assert (result.kind, result.problem, result.response["error"]) == (kind, problem, problem or None)


def test_a_receiver_may_say_when_to_come_again(hook: Hook):
    hook.answers(status=429, headers={"Retry-After": "120"})

    result = attempt(hook.deliver())

    assert (result.kind, result.retry_after) == (Kind.FAILED, 120.0)


def test_a_receiver_that_breaks_off_has_no_status(hook: Hook):
    hook.answers(fault="reset")

    result = attempt(hook.deliver())

    assert (result.kind, result.status_code, result.response["responseCode"]) == (Kind.FAILED, None, 0)
    assert result.problem.endswith("closed the connection without an answer.")


def test_a_network_that_is_not_allowed_is_not_reached(hook: Hook, settings: Any):
    settings.WEBHOOK_ALLOWED_NETWORKS = []

    result = attempt(hook.deliver())

    assert (result.kind, hook.requests) == (Kind.FAILED, [])
    assert "not a public address" in result.problem


def test_a_delivery_that_must_not_be_made_is_not_made(hook: Hook):
    claimed = hook.deliver()
    rows = Delivery.objects.filter(pk=claimed.pk)
    domains = type(hook.domain).objects.filter(pk=hook.domain.pk)
    endpoints = type(hook.endpoint).objects.filter(pk=hook.endpoint.pk)
    in_vain: dict[str, tuple[Any, dict[str, Any], dict[str, Any]]] = {
        "the lease has ended": (rows, {"leased_until": Now() - timedelta(seconds=1)}, {"leased_until": later()}),
        "nobody has it": (rows, {"leased_until": None}, {"leased_until": later()}),
        "others have it": (rows, {"attempts": 2}, {"attempts": 1}),
        "it was withdrawn": (rows, {"state": "withdrawn"}, {"state": "due"}),
        "the domain is being deleted": (domains, {"deleting_since": timezone.now()}, {"deleting_since": None}),
        "the endpoint is switched off": (endpoints, {"is_active": False}, {"is_active": True}),
        "the mail is being erased": (Message.objects, {"state": "erasing"}, {"state": "ingested"}),
    }
    kinds = {}
    for what, (found, change, back) in in_vain.items():
        found.update(**change)
        kinds[what] = attempt(claimed).kind
        found.update(**back)

    assert set(kinds.values()) == {Kind.LOST}, kinds
    assert hook.requests == []
    assert attempt(claimed).kind == Kind.DELIVERED


def later() -> Any:
    return Now() + timedelta(seconds=60)


def test_one_statement_reads_all_that_a_body_needs(hook: Hook):
    claimed = hook.deliver()

    with CaptureQueriesContext(
        connection,
    ) as captured:
        attempt(claimed)

    assert len(captured) == 1


def test_a_mail_waits_while_s3_does_not_answer(hook: Hook):
    claimed = hook.deliver()
    hook.aws.add_faults(NO_S3)

    result = attempt(claimed)

    assert (result.kind, hook.requests) == (Kind.POSTPONED, [])
    assert result.problem.startswith("S3 does not answer")
    assert result.retry_after


def test_an_endpoint_that_wants_no_raw_text_does_not_wait_for_s3(hook: Hook):
    claimed = hook.deliver(payload="noRaw")
    hook.aws.add_faults(NO_S3)

    assert attempt(claimed).kind == Kind.DELIVERED


def test_a_mail_that_s3_has_lost_is_delivered_without_its_raw_text(hook: Hook):
    claimed = hook.deliver()
    message = Message.objects.get()
    clients.s3("eu-west-1").delete_object(Bucket=message.bucket, Key=message.key)

    assert attempt(claimed).kind == Kind.DELIVERED

    (body,) = hook.bodies
    assert body["email"]["truncated"] == ["raw"]
    assert "raw" not in body["email"]["parsedData"]


@pytest.mark.parametrize("raw", [RAW + b"\xff", LARGE], ids=["not UTF-8", "large"])
def test_raw_text_that_cannot_be_shown_is_left_out(hook: Hook, raw: bytes):
    attempt(hook.deliver(raw))

    assert hook.bodies[0]["email"]["truncated"] == ["raw"]


def test_a_body_is_within_the_limit(hook: Hook, settings: Any):
    settings.WEBHOOK_MAX_BYTES = 100_000

    attempt(hook.deliver(RAW + b"x" * 60_000))

    (request,) = hook.requests
    assert len(request["body"].encode()) <= 100_000
    assert json.loads(request["body"])["email"]["truncated"] == ["raw", "cleanedContent"]


def test_a_secret_that_cannot_be_read_spends_no_attempt(hook: Hook, settings: Any):
    claimed = hook.deliver()
    settings.SECRET_KEY = "another"

    result = attempt(claimed)

    assert (result.kind, hook.requests) == (Kind.POSTPONED, [])
    assert "SECRET_KEY" in result.problem
