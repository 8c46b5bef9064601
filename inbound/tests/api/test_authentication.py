from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from inbound.models import ApiKey, issue_key
from inbound.tests.support.factories import EndpointFactory, UserFactory

pytestmark = pytest.mark.sqlite

URL = "/api/v2/endpoints"


@pytest.fixture
def row_and_key(user) -> tuple[ApiKey, str]:
    return issue_key(owner=user, name="test")


def get(authorization: str | None, url: str = URL):
    client = APIClient()
    if authorization is not None:
        client.credentials(HTTP_AUTHORIZATION=authorization)
    return client.get(url)


def assert_unauthorized(answer) -> None:
    assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized"})
    assert answer["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["Bearer {}", "bearer {}", "BEARER  {} "])
def test_a_valid_key_is_accepted(row_and_key, header):
    assert get(header.format(row_and_key[1])).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "{}",
        "Basic {}",
        "Token {}",
        "Bearer{}",
        "Bearer {}x",
        "Bearer {} {}",
        "Bearer \u00e9",
    ],
)
def test_other_headers_are_refused(row_and_key, header):
    assert_unauthorized(get(header and header.replace("{}", row_and_key[1])))


def test_an_expired_key_is_refused(row_and_key):
    _, key = row_and_key
    ApiKey.objects.update(expires_at=timezone.now() + timedelta(minutes=1))
    assert get(f"Bearer {key}").status_code == 200
    # The clock of SQLite counts milliseconds.
    ApiKey.objects.update(expires_at=timezone.now() - timedelta(milliseconds=1))
    assert_unauthorized(get(f"Bearer {key}"))


def test_a_revoked_key_is_refused(row_and_key):
    ApiKey.objects.update(revoked_at=timezone.now())
    assert_unauthorized(get(f"Bearer {row_and_key[1]}"))


def test_a_key_of_a_closed_account_is_refused(row_and_key, user):
    user.is_active = False
    user.save()
    assert_unauthorized(get(f"Bearer {row_and_key[1]}"))


def test_the_key_is_checked_before_path_query_and_body(user):
    client = APIClient()
    assert_unauthorized(client.get(f"{URL}/nothing"))
    assert_unauthorized(client.get(f"{URL}?limit=0"))
    assert_unauthorized(client.post(URL, b"{", content_type="application/json"))
    assert_unauthorized(client.patch(URL))


def test_an_admin_session_does_not_authenticate(client, transactional_db):
    client.force_login(UserFactory.create(is_staff=True, is_superuser=True))
    assert client.get("/admin/").status_code == 200
    assert_unauthorized(client.get(URL))


def test_a_session_does_not_override_the_key(client, row_and_key, user):
    other = UserFactory.create(is_superuser=True)
    EndpointFactory.create(owner=other, name="theirs")
    EndpointFactory.create(owner=user, name="mine")
    client.force_login(other)
    answer = client.get(URL, HTTP_AUTHORIZATION=f"Bearer {row_and_key[1]}")
    assert [row["name"] for row in answer.json()["data"]] == ["mine"]


def test_a_write_needs_no_csrf_token(row_and_key):
    body = {"name": "Main", "type": "webhook", "config": {"url": "https://example.org/"}}
    client = APIClient(enforce_csrf_checks=True, HTTP_AUTHORIZATION=f"Bearer {row_and_key[1]}")
    assert client.post(URL, body, format="json").status_code == 201


def test_the_key_itself_is_not_stored(row_and_key):
    row, key = row_and_key
    row.refresh_from_db()
    stored = [str(getattr(row, field.attname)) for field in ApiKey._meta.concrete_fields]
    assert not any(key in value for value in stored)
    # The stored prefix is too short to guess the rest.
    assert row.start == key[:8]
    assert len(key) > 40


def test_the_last_use_is_written_at_most_once_a_minute(row_and_key, django_assert_num_queries):
    row, key = row_and_key

    def use() -> None:
        assert get(f"Bearer {key}").status_code == 200
        row.refresh_from_db()

    use()
    first = row.last_used_at
    assert first is not None
    # key with its owner, count of no rows, and the test's own query
    with django_assert_num_queries(3):
        use()
    assert row.last_used_at == first

    ApiKey.objects.update(last_used_at=first - timedelta(seconds=61))
    use()
    assert row.last_used_at is not None
    assert row.last_used_at >= first


def test_the_use_of_a_refused_key_is_not_recorded(row_and_key):
    ApiKey.objects.update(revoked_at=timezone.now())
    get(f"Bearer {row_and_key[1]}")
    assert ApiKey.objects.get().last_used_at is None
