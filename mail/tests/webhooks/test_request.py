"""The headers of a webhook can always be sent, and say what the contract promises."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endpoints.models import Endpoint
from endpoints.webhooks.headers import VALUE
from mail.tests.webhooks.mails import email
from mail.webhooks.request import header_value, headers_of

pytestmark = pytest.mark.sqlite_only


def headers(rfc_id: str = "", **config: Any) -> dict[str, str]:
    return headers_of(Endpoint(pk="ep1", config=config), email(rfc_id=rfc_id), attempt=3)


def test_an_endpoint_without_settings_gets_the_headers_of_the_contract():
    assert headers("<1@example.net>") == {
        "Content-Type": "application/json",
        "User-Agent": "InboundEmail-Webhook/1.0",
        "X-Webhook-Event": "email.received",
        "X-Endpoint-ID": "ep1",
        "X-Webhook-Timestamp": "2026-11-10T08:00:01.500Z",
        "X-Email-ID": "em1",
        "X-Message-ID": "<1@example.net>",
        "X-Webhook-Attempt": "3",
    }


def test_the_owner_adds_headers_and_may_replace_the_user_agent_only():
    own = {
        "user-agent": "Mine",
        "X-Api-Key": "k",
        "X-Webhook-Event": "other",
        "webhook-id": "1",
        "Content-Type": "text/plain",
    }

    found = headers(headers=own)

    assert (found["user-agent"], found["X-Api-Key"]) == ("Mine", "k")
    assert (found["X-Webhook-Event"], found["Content-Type"]) == ("email.received", "application/json")
    assert not {"User-Agent", "webhook-id"} & set(found)


def test_the_verification_token_is_sent_back():
    assert headers(verificationToken="t0k")["X-Webhook-Verification-Token"] == "t0k"


@pytest.mark.parametrize("token", ["", 5, None, "a\r\nX-Evil: 1", "\u20ac"])
def test_a_token_that_http_cannot_carry_is_not_sent(token: Any):
    assert "X-Webhook-Verification-Token" not in headers(verificationToken=token)


@given(st.text())
def test_any_message_id_can_be_sent(text: str):
    value = header_value(text)

    assert VALUE.fullmatch(value)
    assert value.isascii()
    assert len(value) <= 998


def test_line_ends_and_other_letters_are_question_marks():
    assert header_value("<a\r\nX-Evil: é@b>") == "<a??X-Evil:??@b>"
