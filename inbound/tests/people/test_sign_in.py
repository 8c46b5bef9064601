"""Signing in to the admin after wrong passwords."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from inbound.tests.support.admin_site import run_action, staff, text, url

LOGIN = "/admin/login/"
LOCKED = "Too many wrong passwords for this name from your address. You can sign in again at "
ATTEMPTS = url("axes.accessattempt", "changelist")


@pytest.fixture
def jo(transactional_db, settings) -> User:
    settings.AXES_FAILURE_LIMIT = 3
    return User.objects.create_user("jo", password="right", is_staff=True)


def sign_in(name: str, password: str, address: str = "192.0.2.1", **headers: Any) -> Any:
    values = {"username": name, "password": password, "next": "/admin/"}
    return Client(REMOTE_ADDR=address).post(LOGIN, values, headers=headers)


def lock(name: str = "jo", address: str = "192.0.2.1") -> None:
    for _ in range(3):
        answer = sign_in(name, "wrong", address)
    assert LOCKED in text(answer)


def later(seconds: float) -> None:
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(seconds=seconds))


def test_the_right_password_signs_in(jo):
    assert sign_in("jo", "right")["Location"] == "/admin/"


def test_too_many_wrong_passwords_lock_and_the_page_says_until_when(jo):
    lock()
    answer = sign_in("jo", "right")
    assert (answer.status_code, int(answer["Retry-After"]) > 890) == (429, True)
    assert f"{LOCKED}{timezone.now():%Y-%m-%d }" in text(answer)
    assert " UTC." in text(answer)


def test_trying_again_does_not_make_it_longer(jo):
    lock()
    later(890)
    assert int(sign_in("jo", "wrong")["Retry-After"]) <= 10
    later(901)
    assert sign_in("jo", "right").status_code == 302


def test_nobody_else_is_locked_out(jo):
    User.objects.create_user("al", password="right", is_staff=True)
    lock()
    assert sign_in("al", "right").status_code == 302
    assert sign_in("jo", "right", "192.0.2.2").status_code == 302


def test_the_addresses_of_one_ipv6_network_count_as_one(jo):
    for number in range(3):
        sign_in("jo", "wrong", f"2001:db8:0:7::{number}")
    assert sign_in("jo", "right", "2001:db8:0:7:a:b:c:d").status_code == 429
    assert sign_in("jo", "right", "2001:db8:0:8::1").status_code == 302


def test_ipv4_addresses_on_an_ipv6_socket_are_told_apart(jo):
    lock(address="::ffff:192.0.2.1")
    assert sign_in("jo", "right", "192.0.2.1").status_code == 429
    assert sign_in("jo", "right", "::ffff:192.0.2.2").status_code == 302


def test_another_browser_does_not_help(jo):
    lock()
    assert sign_in("jo", "right", **{"user-agent": "other"}).status_code == 429


def test_a_name_that_does_not_exist_is_locked_in_the_same_words(jo):
    lock("nobody")


def test_the_right_password_forgets_the_wrong_ones(jo):
    for _ in range(2):
        sign_in("jo", "wrong")
        sign_in("jo", "wrong")
        assert sign_in("jo", "right").status_code == 302


def test_behind_a_proxy_its_client_is_counted(jo, settings):
    settings.BEHIND_TLS_PROXY = True
    for _ in range(3):
        sign_in("jo", "wrong", **{"x-forwarded-for": "203.0.113.1, 198.51.100.1"})
    assert sign_in("jo", "right", **{"x-forwarded-for": "198.51.100.2"}).status_code == 302
    assert sign_in("jo", "right", **{"x-forwarded-for": "203.0.113.9, 198.51.100.1"}).status_code == 429


def test_no_password_is_kept(jo):
    sign_in("jo", "hidden-1")
    assert "hidden-1" not in str(AccessAttempt.objects.values())


@pytest.mark.parametrize("name", ["jo", "nobody"])
def test_the_command_unlocks(jo, name: str, capsys):
    lock(name)
    call_command("unlock_sign_in", name)
    assert capsys.readouterr().out == f"Unlocked {name} from 192.0.2.1.\n"
    assert sign_in("jo", "right").status_code == 302
    call_command("unlock_sign_in", name)
    assert capsys.readouterr().out == f"Nothing was locked for {name}.\n"


def test_the_command_prints_json(jo, capsys):
    lock("jo")
    call_command("unlock_sign_in", "jo", "--json")
    assert json.loads(capsys.readouterr().out) == {"unlocked": [{"username": "jo", "address": "192.0.2.1"}]}


def test_the_admin_shows_and_unlocks(jo, admin_client: Client):
    lock()
    sign_in("al", "wrong")
    shown = text(admin_client.get(ATTEMPTS))
    assert "locked until " in shown
    assert "possible" in shown
    attempt = AccessAttempt.objects.get(username="jo")
    assert "locked until " in text(admin_client.get(url("axes.accessattempt", "change", attempt.pk)))
    assert run_action(admin_client, "axes.accessattempt", "unlock", [attempt])[1] == [
        ("success", "Unlocked: jo from 192.0.2.1.")
    ]
    assert sign_in("jo", "right").status_code == 302
    later(901)
    assert "0 access attempts" in text(admin_client.get(ATTEMPTS))


def test_staff_need_the_permission_to_unlock(jo, client: Client):
    lock()
    staff(client, "axes.view_accessattempt")
    run_action(client, "axes.accessattempt", "unlock", list(AccessAttempt.objects.all()))
    assert sign_in("jo", "right").status_code == 429
