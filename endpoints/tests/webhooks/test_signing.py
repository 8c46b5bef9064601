from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from endpoints.webhooks.signing import SHORT, key_of, new_secret, new_token, signed_headers, signing_secret, warning

pytestmark = pytest.mark.sqlite_only

BODY = json.dumps({"event": "email.received", "text": "ü"}).encode()
KEYS = st.lists(st.binary(min_size=1, max_size=100), min_size=1, max_size=2)


def now() -> datetime:
    return datetime.now(timezone(timedelta(hours=-7)))


@given(KEYS, st.text(st.sampled_from("msg_abcXYZ-019"), min_size=1), st.dictionaries(st.text(), st.text()))
def test_the_published_library_verifies_with_the_secret_of_any_key(keys, message_id, content):
    body = json.dumps(content).encode()
    headers = signed_headers(message_id, body, keys, now())
    for key in keys:
        assert Webhook(signing_secret(key)).verify(body, headers) == content


@pytest.mark.parametrize("changed", ["webhook-id", "webhook-timestamp", "body", "key"])
def test_a_signature_is_about_id_time_body_and_key(changed):
    key, body, headers = b"k" * 32, BODY, signed_headers("msg_1", BODY, [b"k" * 32], now())
    match changed:
        case "body":
            body += b" "
        case "key":
            key = b"K" * 32
        case _:
            headers[changed] += "0"
    with pytest.raises(WebhookVerificationError):
        Webhook(signing_secret(key)).verify(body, headers)


def test_the_format_is_that_of_the_specification():
    at = datetime(2021, 2, 25, 18, 31, 33, 900_000, UTC)
    body = b'{"test": 2432232314}'
    # The example of the library's own tests, and one that is computed step by step.
    headers = signed_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", body, [key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), b"x"], at
    )
    signed = b"msg_p5jXN8AQM9LWM0D4loKWxJek.1614277893." + body
    first, second = headers["webhook-signature"].split(" ")
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert first == "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert second == "v1," + base64.b64encode(hmac.new(b"x", signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-timestamp"] == "1614277893"
    assert headers["X-Webhook-Signature"] == "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("secret", "key"),
    [
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")),
        ("whsec_c2hvcnQ=", b"short"),
        ("s3cret", b"s3cret"),
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("whsec_", b"whsec_"),
        ("whsec_not base64", b"whsec_not base64"),
        ("whsec_c2hvcnQ", b"whsec_c2hvcnQ"),
        ("whsec_ü", "whsec_ü".encode()),
        ("Ünsafe", "Ünsafe".encode()),
    ],
)
def test_the_key_of_a_secret(secret, key):
    assert key_of(secret) == key
    assert key_of(signing_secret(key)) == key


def test_a_short_secret_has_a_warning():
    assert warning("x" * 15) == warning("whsec_c2hvcnQ=") == SHORT
    assert warning("x" * 16) == warning(new_secret()) == ""


def test_new_secrets_and_tokens_are_long_and_differ():
    assert len({new_secret() for _ in range(50)}) == len({new_token() for _ in range(50)}) == 50
    assert len(key_of(new_secret())) == 32
