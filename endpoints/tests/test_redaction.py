from __future__ import annotations

import copy
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endpoints.models import Endpoint
from endpoints.redaction import redacted


@pytest.mark.parametrize(
    "key",
    [
        "secret", "SECRET", "clientSecret", "password", "db_password", "token", "accessToken", "apiKey", "api_key",
        "API-KEY", "x-api-key", "authorization", "Authorization", "verificationToken",
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", ["hunter2", 5, ["hunter2"], {"inner": "hunter2"}])
def test_the_value_of_a_key_that_looks_secret_is_hidden_at_any_depth(key, value):
    assert redacted({key: value}) == {key: "***"}
    assert redacted({"a": [{"b": {key: value}}]}) == {"a": [{"b": {key: "***"}}]}


def test_every_header_keeps_its_name_and_loses_its_value():
    assert redacted({"headers": {"X-Team": "blue", "Accept": "*/*"}}) == {"headers": {"X-Team": "***", "Accept": "***"}}
    assert redacted({"a": {"Headers": {"X": "1"}}}) == {"a": {"Headers": {"X": "***"}}}


def test_headers_in_an_unknown_form_are_hidden_completely():
    assert redacted({"headers": '{"X": "1"}'}) == {"headers": "***"}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:pass@example.org/a", "https://***@example.org/a"),
        ("https://user:p@ss@example.org/a", "https://***@example.org/a"),
        ("HTTPS://user@example.org", "HTTPS://***@example.org"),
        ("https://example.org/@team?to=a@b.org", "https://example.org/@team?to=a@b.org"),
        ("https://example.org/?team=blue&access_token=abc#top", "https://example.org/?team=blue&access_token=***#top"),
        ("https://example.org/?apikey=abc", "https://example.org/?apikey=***"),
    ],
)
def test_a_url_loses_its_user_and_its_secret_parameters(url, shown):
    assert redacted({"url": url, "other": [url]}) == {"url": shown, "other": [shown]}


@pytest.mark.parametrize("part", ["?", "?a", "a", "://", "&a="])
def test_a_long_text_takes_no_longer_than_it_is(part):
    text = part * (32_000 // len(part))
    began = time.process_time()
    assert redacted({"url": text}) == {"url": text}
    # Seconds, if the time grows with the square.
    assert time.process_time() - began < 0.5


def test_values_that_are_not_secret_stay():
    config = {"url": "https://example.org/", "timeout": 30, "emails": ["a@example.org"], "senderName": None, "on": True}
    assert redacted(config) == config


def test_the_config_itself_is_not_changed():
    config = {"secret": "hunter2", "headers": {"X": "1"}, "list": [{"token": "t"}]}
    before = copy.deepcopy(config)
    redacted(config)
    assert config == before


def test_an_endpoint_shows_its_config_without_secrets():
    endpoint = Endpoint(config={"url": "https://u:p@example.org", "secret": "hunter2"})
    assert endpoint.public_config == {"url": "https://***@example.org", "secret": "***"}


NAMES = st.sampled_from(["secret", "headers", "apiKey", "url", "list", "note"])


def hiding(inner: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4)


@given(st.dictionaries(NAMES, st.recursive(st.none() | st.integers() | st.just("hunter2"), hiding, max_leaves=8)))
def test_nothing_under_a_secret_key_survives_and_redacting_is_idempotent(config):
    shown = redacted(config)
    assert redacted(shown) == shown

    def look(value, secret=False):
        if isinstance(value, dict):
            for key, inner in value.items():
                look(inner, secret or key in ("secret", "apiKey", "headers"))
        elif isinstance(value, list):
            for inner in value:
                look(inner, secret)
        else:
            assert not secret or value == "***"

    look(shown)
    assert "***" not in json.dumps(config)
