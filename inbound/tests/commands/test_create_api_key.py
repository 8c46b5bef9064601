from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone
from rest_framework.test import APIClient

from inbound.models import ApiKey, hash_key
from inbound.tests.support.factories import UserFactory


@pytest.fixture
def jo(user):
    user.username = "jo"
    user.save()
    return user


def create(*arguments: str, **options) -> tuple[str, str]:
    """Run the command; returns stdout and stderr."""
    out, err = StringIO(), StringIO()
    call_command("create_api_key", *arguments, stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def scopes(row: ApiKey) -> tuple[bool, bool, bool]:
    return row.can_read, row.can_write, row.can_delete


def test_the_key_is_alone_on_stdout_and_works(jo):
    out, err = create("jo", "--name", "laptop")
    key = out.removesuffix("\n")
    assert "\n" not in key
    assert err == "Save it now: only its hash is stored, so it cannot be shown again.\n"
    row = ApiKey.objects.get()
    assert (row.owner, row.name, row.key_hash, row.expires_at) == (jo, "laptop", hash_key(key), None)
    assert scopes(row) == (True, True, True)
    assert APIClient(HTTP_AUTHORIZATION=f"Bearer {key}").get("/api/v2/endpoints").status_code == 200


def test_with_verbosity_0_nothing_but_the_key_is_printed(jo):
    out, err = create("jo", "--name", "script", verbosity=0)
    assert hash_key(out.strip()) == ApiKey.objects.get().key_hash
    assert err == ""


@pytest.mark.parametrize(
    ("arguments", "granted"),
    [
        (["--scope", "read"], (True, False, False)),
        (["--scope", "read", "--scope", "write"], (True, True, False)),
        (["--scope", "delete"], (False, False, True)),
    ],
)
def test_only_the_scopes_that_are_named_are_granted(jo, arguments, granted):
    create("jo", "--name", "narrow", *arguments)
    assert scopes(ApiKey.objects.get()) == granted


def test_a_key_can_expire_after_days(jo):
    before = timezone.now()
    create("jo", "--name", "short", "--expires-in-days", "30")
    expires_at = ApiKey.objects.get().expires_at
    assert expires_at is not None
    assert timedelta(0) <= expires_at - before - timedelta(days=30) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2099-12-31", datetime(2099, 12, 31, tzinfo=UTC)),
        ("2099-12-31T10:00", datetime(2099, 12, 31, 10, tzinfo=UTC)),
        ("2099-12-31T10:00+02:00", datetime(2099, 12, 31, 8, tzinfo=UTC)),
        ("2099-12-31T10:00Z", datetime(2099, 12, 31, 10, tzinfo=UTC)),
    ],
)
def test_a_key_can_expire_at_a_date_or_time(jo, text, moment):
    create("jo", "--name", "short", "--expires", text)
    assert ApiKey.objects.get().expires_at == moment


def test_the_error_for_an_unknown_user_says_how_to_create_one(user):
    with pytest.raises(CommandError, match=r"There is no user 'nobody'\..*under Users; .*createsuperuser"):
        create("nobody", "--name", "x")
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("typed", ["JO", " jo ", "Jo", "\N{FULLWIDTH LATIN SMALL LETTER J}o"], ids=ascii)
def test_the_user_is_found_as_people_write_the_name(jo, typed):
    create(typed, "--name", "x")
    assert ApiKey.objects.get().owner == jo


def test_a_name_in_another_case_must_mean_one_user(jo):
    upper = UserFactory.create(username="JO")
    with pytest.raises(CommandError, match="There is no user 'Jo'"):
        create("Jo", "--name", "x")
    create("JO", "--name", "x")
    assert ApiKey.objects.get().owner == upper


def test_no_key_is_created_for_an_inactive_user(transactional_db):
    UserFactory.create(username="gone", is_active=False)
    with pytest.raises(CommandError, match="not active"):
        create("gone", "--name", "x")
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--name", ""],
        ["--name", "  "],
        ["--name", "x" * 256],
        ["--name", "x", "--scope", "admin"],
        ["--name", "x", "--expires-in-days", "0"],
        ["--name", "x", "--expires-in-days", "-1"],
        ["--name", "x", "--expires-in-days", "1.5"],
        ["--name", "x", "--expires-in-days", "999999999999"],
        ["--name", "x", "--expires", "tomorrow"],
        ["--name", "x", "--expires", "2020-01-01"],
        ["--name", "x", "--expires", "9999-12-31T23:59-12:00"],
        ["--name", "x", "--expires", "2099-01-01", "--expires-in-days", "1"],
    ],
)
def test_an_invalid_argument_creates_no_key(jo, arguments):
    with pytest.raises(CommandError):
        create("jo", *arguments)
    assert not ApiKey.objects.exists()
