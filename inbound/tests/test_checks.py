from __future__ import annotations

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError


def found() -> list[str]:
    messages = [message for message in run_checks() if str(message.id).startswith("inbound.")]
    assert all(message.hint for message in messages)
    return [str(message.id) for message in messages]


def test_a_safe_configuration_has_no_messages():
    assert found() == []


def test_a_missing_or_published_secret_key_is_an_error_without_debug(settings):
    settings.SECRET_KEY = settings.INSECURE_SECRET_KEY
    assert found() == ["inbound.E001"]
    with pytest.raises(SystemCheckError, match="SECRET_KEY is missing, or it is the published default"):
        call_command("check")
    settings.DEBUG = True
    assert found() == []


def test_the_published_secret_key_is_not_a_fallback_without_debug(settings):
    settings.SECRET_KEY_FALLBACKS = ["an earlier one", settings.INSECURE_SECRET_KEY]
    assert found() == ["inbound.E003"]
    settings.DEBUG = True
    assert found() == []


@pytest.mark.parametrize(
    ("debug", "hosts", "expected"),
    [
        (True, ["*"], ["inbound.W001"]),
        (True, ["localhost", "*"], ["inbound.W001"]),
        (True, ["localhost"], []),
        (False, ["*"], []),
    ],
)
def test_debug_with_every_host_allowed_is_a_warning(settings, debug, hosts, expected):
    settings.DEBUG = debug
    settings.ALLOWED_HOSTS = hosts
    assert found() == expected


@pytest.mark.parametrize(
    ("networks", "expected"),
    [
        ([], []),
        (["127.0.0.0/8", "10.0.0.0/8", "fd00:20::/32"], []),
        (["0.0.0.0/0"], ["inbound.W002"]),
        (["::/0"], ["inbound.W002"]),
        (["10.0.0.0/8", "169.254.0.0/16"], ["inbound.W002"]),
    ],
)
def test_webhooks_should_not_reach_the_metadata_service(settings, networks, expected):
    settings.WEBHOOK_ALLOWED_NETWORKS = networks
    assert found() == expected


@pytest.mark.parametrize(("proxy", "expected"), [(False, ["inbound.W003"]), (True, [])])
def test_a_redirect_to_tls_needs_to_know_of_the_proxy(settings, proxy, expected):
    settings.SECURE_SSL_REDIRECT, settings.BEHIND_TLS_PROXY = True, proxy
    assert found() == expected
