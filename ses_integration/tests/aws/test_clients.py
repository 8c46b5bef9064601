"""Wrong credentials or endpoints are reported as a sentence, not as a traceback."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_integration.aws import clients, events
from ses_integration.aws.gateway import Gateway
from ses_integration.conf import ses_config
from ses_integration.errors import NotConfigured


@pytest.fixture(autouse=True)
def new_clients():
    clients.forget()
    yield
    clients.forget()


texts = st.one_of(st.text(), st.from_regex(r"[\w.~@+ %&=-]*", fullmatch=True))


@given(st.dictionaries(texts, st.one_of(texts, st.integers(), st.booleans())))
def test_form_is_that_of_urlencode(fields):
    assert events.form(fields) == urlencode(fields).encode()


def test_missing_profile_means_no_credentials(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert not clients.configured()
    with pytest.raises(NotConfigured, match="look at AWS_PROFILE"):
        clients.s3("eu-west-1")


def test_key_without_its_secret_means_no_credentials(monkeypatch):
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(NotConfigured):
        Gateway(ses_config()).rules()


def test_invalid_endpoint_is_reported(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "not a url")
    with pytest.raises(NotConfigured, match="AWS_ENDPOINT_URL is not the address of a server"):
        Gateway(ses_config()).rules()
