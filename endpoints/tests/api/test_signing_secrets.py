from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from endpoints.changes import signing_secrets
from endpoints.models import Endpoint
from endpoints.webhooks.signing import SHORT, key_of
from inbound.models import Scope
from inbound.tests.support.factories import SECRET, EndpointFactory, UserFactory

pytestmark = pytest.mark.sqlite

URL = "https://8.8.8.8/mail"
OTHER = "whsec_b3RoZXItMjQtYnl0ZXMtbG9uZy1rZXk="
DAY = timedelta(hours=24)


@pytest.fixture
def endpoint(user):
    return EndpointFactory.create(owner=user)


@pytest.fixture
def rotate(api, endpoint):
    return lambda body=None: api.post(f"/api/v2/endpoints/{endpoint.pk}/rotate-secret", body)


@pytest.fixture
def put(api, endpoint):
    return lambda config: api.put(f"/api/v2/endpoints/{endpoint.pk}", {"config": {"url": URL, **config}})


def keys(endpoint: Endpoint) -> list[bytes]:
    endpoint.refresh_from_db()
    return endpoint.signing_keys()


def created(api, **config):
    return api.post("/api/v2/endpoints", {"name": "Main", "type": "webhook", "config": {"url": URL, **config}}).json()


@pytest.mark.parametrize("config", [{}, {"secret": None}, {"secret": ""}])
def test_a_webhook_without_a_secret_gets_one(api, config):
    one, other = created(api, **config), created(api, **config)
    assert one["signingSecret"].startswith("whsec_")
    assert one["config"]["secret"] == one["signingSecret"] != other["signingSecret"]
    assert len(key_of(one["signingSecret"])) == 32
    assert "warning" not in one
    assert api.get(f"/api/v2/endpoints/{one['id']}").json()["signingSecret"] == one["signingSecret"]


def test_a_given_secret_is_shown_as_given_and_as_libraries_take_it(api):
    shown = created(api, secret="a long enough secret")
    assert (shown["config"]["secret"], shown["signingSecret"]) == (
        "a long enough secret",
        "whsec_YSBsb25nIGVub3VnaCBzZWNyZXQ=",
    )
    assert Endpoint.objects.get().signing_keys() == [b"a long enough secret"]


def test_a_short_secret_is_accepted_with_a_warning(api, rotate):
    assert created(api, secret="s3cret")["warning"] == SHORT
    assert rotate({"secret": "s3cret"}).json()["warning"] == SHORT


def test_no_column_contains_a_secret(api):
    created(api, secret="a long enough secret")
    assert "long enough" not in str(Endpoint.objects.values().get())


def test_the_token_is_made_once_and_can_be_chosen(api):
    token = created(api)["config"]["verificationToken"]
    url = f"/api/v2/endpoints/{Endpoint.objects.get().pk}"
    assert len(token) > 30
    assert api.put(url, {"config": {"url": URL}}).json()["config"]["verificationToken"] == token
    chosen = {"url": URL, "verificationToken": "mine"}
    assert api.put(url, {"config": chosen}).json()["config"]["verificationToken"] == "mine"
    assert created(api, verificationToken="mine")["config"]["verificationToken"] == "mine"


def test_other_types_have_neither_secret_nor_token(api, user):
    body = {"name": "Forward", "type": "email", "config": {"forwardTo": "jo@example.net", "secret": "kept"}}
    shown = api.post("/api/v2/endpoints", body).json()
    assert (shown["signingSecret"], shown["previousSecretValidUntil"]) == (None, None)
    assert shown["config"] == {"forwardTo": "jo@example.net", "email": "jo@example.net", "secret": "kept"}
    answer = api.post(f"/api/v2/endpoints/{shown['id']}/rotate-secret")
    assert (answer.status_code, answer.json()) == (400, {"error": "Only webhooks have a signing secret"})


def test_what_stands_for_a_hidden_secret_is_no_secret(rotate, endpoint):
    answer = rotate({"secret": "***"})
    assert answer.status_code == 400
    assert "*** stands for a hidden value." in str(answer.json())
    assert keys(endpoint) == [key_of(SECRET)]


def test_after_a_rotation_both_secrets_sign_for_a_day(rotate, endpoint, api):
    before = timezone.now()
    answer = rotate()
    new = answer.json()["signingSecret"]
    assert (answer.status_code, list(answer.json())) == (200, ["signingSecret", "previousSecretValidUntil"])
    assert keys(endpoint) == [key_of(new), key_of(SECRET)]
    assert before + DAY <= endpoint.previous_secret_until <= timezone.now() + DAY
    shown = api.get(f"/api/v2/endpoints/{endpoint.pk}").json()
    assert (shown["signingSecret"], shown["config"]["secret"]) == (new, new)
    assert shown["previousSecretValidUntil"] == answer.json()["previousSecretValidUntil"]
    Endpoint.objects.update(previous_secret_until=timezone.now())
    assert keys(endpoint) == [key_of(new)]
    assert api.get(f"/api/v2/endpoints/{endpoint.pk}").json()["previousSecretValidUntil"] is None


def test_a_second_rotation_ends_the_overlap_of_the_first(rotate, endpoint):
    first, second = (rotate().json()["signingSecret"] for _ in range(2))
    assert keys(endpoint) == [key_of(second), key_of(first)]


def test_a_rotation_may_give_the_secret(rotate, endpoint):
    assert rotate({"secret": OTHER}).json()["signingSecret"] == OTHER
    assert keys(endpoint) == [key_of(OTHER), key_of(SECRET)]
    until = endpoint.previous_secret_until
    assert rotate({"secret": OTHER}).status_code == 200
    assert keys(endpoint) == [key_of(OTHER), key_of(SECRET)]
    assert endpoint.previous_secret_until == until


@pytest.mark.parametrize("secret", [5, [], {}, True, "x" * 1001, "a\x00"])
def test_an_invalid_secret_changes_nothing(rotate, endpoint, secret):
    assert rotate({"secret": secret}).status_code == 400
    assert keys(endpoint) == [key_of(SECRET)]


def test_another_secret_in_a_config_rotates_and_none_keeps_it(put, endpoint):
    put({"secret": OTHER})
    assert keys(endpoint) == [key_of(OTHER), key_of(SECRET)]
    for config in ({}, {"secret": None}, {"secret": ""}, {"secret": OTHER}):
        assert put(config).json()["config"]["secret"] == OTHER
    assert keys(endpoint) == [key_of(OTHER), key_of(SECRET)]


def test_a_config_that_was_read_can_be_sent_back(api, endpoint):
    url = f"/api/v2/endpoints/{endpoint.pk}"
    api.put(url, {"config": {"url": URL}})
    config = api.get(url).json()["config"]
    assert api.put(url, {"config": config}).json()["config"] == config
    assert keys(endpoint) == [key_of(SECRET)]


def test_writing_needs_the_write_scope_and_the_own_endpoint(client_for, user, endpoint):
    url = f"/api/v2/endpoints/{endpoint.pk}/rotate-secret"
    assert client_for(user, Scope.READ, Scope.DELETE).post(url).status_code == 403
    assert client_for(UserFactory.create()).post(url).status_code == 404
    assert keys(endpoint) == [key_of(SECRET)]


def test_a_secret_that_cannot_be_read_is_shown_as_null_and_can_be_replaced(api, endpoint, rotate, settings):
    settings.SECRET_KEY = "changed"
    shown = api.get(f"/api/v2/endpoints/{endpoint.pk}").json()
    assert (shown["signingSecret"], "secret" in shown["config"]) == (None, False)
    with pytest.raises(signing_secrets.sealing.Unreadable):
        endpoint.signing_keys()
    answer = rotate({"secret": OTHER}).json()
    assert answer == {"signingSecret": OTHER, "previousSecretValidUntil": None}
    assert keys(endpoint) == [key_of(OTHER)]


@pytest.mark.parametrize("path", ["", "/{}"], ids=["list", "detail"])
def test_a_key_that_may_only_read_sees_no_secret(user, client_for, path):
    config = {"url": URL + "?token=t", "headers": {"X-Key": "k"}, "verificationToken": "seen", "other": 1}
    path = "/api/v2/endpoints" + path.format(EndpointFactory.create(owner=user, config=config).pk)

    answer = client_for(user, Scope.READ, Scope.DELETE).get(path).json()

    shown = answer if "config" in answer else answer["data"][0]
    assert (shown["config"], shown["signingSecret"]) == (
        {
            "url": URL + "?token=***",
            "headers": {"X-Key": "***"},
            "verificationToken": "seen",
            "other": 1,
            "secret": "***",
        },
        "***",
    )


def test_what_has_no_secret_has_none_to_hide(user, client_for):
    endpoint = EndpointFactory.create(owner=user, type="email", config={"forwardTo": "x@example.org"})
    shown = client_for(user, Scope.READ).get(f"/api/v2/endpoints/{endpoint.pk}").json()
    assert (shown["signingSecret"], shown["config"]["forwardTo"]) == (None, "x@example.org")
