from __future__ import annotations

import pytest
from django.core.checks import run_checks


def found() -> list[str]:
    messages = [message for message in run_checks() if str(message.id).startswith("domains.")]
    assert all(message.hint for message in messages)
    return [str(message.id).removeprefix("domains.") for message in messages]


def test_valid_settings_give_no_messages():
    assert found() == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("DNS_RESOLVERS", [], []),
        ("DNS_RESOLVERS", ["192.0.2.53", "[2001:db8::53]:5353"], []),
        ("DNS_RESOLVERS", ["192.0.2.53", "dns.example.net", ""], ["E001", "E001"]),
        *(("DNS_TIMEOUT_SECONDS", seconds, ["E002"]) for seconds in (0.0, -1.0, 30.1, float("nan"), float("inf"))),
        *(("DNS_TIMEOUT_SECONDS", seconds, []) for seconds in (0.1, 30.0)),
    ],
)
def test_an_invalid_setting_gives_an_error(settings, name, value, expected):
    setattr(settings, name, value)
    assert found() == expected
