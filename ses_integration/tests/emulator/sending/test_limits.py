"""Sandbox, rate, daily quota and pause."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ses_integration.emulator.server import Emulator
from ses_integration.tests.emulator.clients import client, control, refusal
from ses_integration.tests.emulator.sending.conftest import RAW, Sender
from ses_integration.tests.emulator.test_call_rate import FakeClock

pytestmark = pytest.mark.sqlite_only


@pytest.fixture
def now() -> FakeClock:
    return FakeClock()


@pytest.fixture
def timed(now: FakeClock) -> Iterator[Sender]:
    emulator = Emulator(now=now)
    emulator.start()
    emulator.reset()
    sesv2 = client("sesv2", emulator.url)
    sesv2.create_email_identity(EmailIdentity="example.com")
    yield Sender(emulator, sesv2)
    emulator.stop()


def send_v1(sender: Sender) -> Any:
    ses = client("ses", sender.emulator.url)
    return lambda: ses.send_raw_email(RawMessage={"Data": RAW}, Destinations=["you@example.net"])


def test_nothing_is_limited_at_first(sender: Sender) -> None:
    account = sender.sesv2.get_account()
    assert (account["ProductionAccessEnabled"], account["SendingEnabled"]) == (True, True)
    assert account["SendQuota"] == {"Max24HourSend": -1.0, "MaxSendRate": 1000.0, "SentLast24Hours": 0.0}
    for _ in range(20):
        sender.send("a@example.net", "b@example.net")
    assert sender.sesv2.get_account()["SendQuota"]["SentLast24Hours"] == 40


def test_a_mail_above_the_rate_is_throttled(timed: Sender, now: FakeClock) -> None:
    timed.emulator.limit_sending(perSecond=2)
    timed.send("a@example.net", "b@example.net")
    now.seconds = 0.9
    answer = refusal(timed.send)
    assert (answer.code, answer.status) == ("TooManyRequestsException", 429)
    assert answer.message == "Maximum sending rate exceeded."
    answer = refusal(send_v1(timed))
    assert (answer.code, answer.message, answer.status) == ("Throttling", "Maximum sending rate exceeded.", 400)
    now.seconds = 1.0
    timed.send()
    assert timed.sesv2.get_account()["SendQuota"]["MaxSendRate"] == 2


def test_the_daily_quota_counts_recipients_of_24_hours(timed: Sender, now: FakeClock) -> None:
    timed.emulator.limit_sending(perDay=3)
    timed.send("a@example.net", "b@example.net")
    answer = refusal(lambda: timed.send("a@example.net", "b@example.net"))
    assert (answer.code, answer.message) == ("LimitExceededException", "Daily message quota exceeded.")
    timed.send()
    assert refusal(send_v1(timed)).message == "Daily message quota exceeded."
    now.seconds = 24 * 3600 + 1
    timed.send()


def test_the_sandbox_sends_to_verified_recipients_slowly(timed: Sender, now: FakeClock) -> None:
    """Amazon SES Developer Guide, "Request production access": one mail a second, 200 a day."""
    timed.emulator.limit_sending(sandbox=True)
    assert refusal(timed.send).message.endswith("in region EU-WEST-1: you@example.net")
    timed.send("other@example.com")
    assert refusal(lambda: timed.send("other@example.com")).code == "TooManyRequestsException"
    now.seconds = 1
    timed.send("success@simulator.amazonses.com")
    account = timed.sesv2.get_account()
    assert (account["ProductionAccessEnabled"], account["SendQuota"]["Max24HourSend"]) == (False, 200)


def test_an_account_that_is_paused_sends_nothing(sender: Sender) -> None:
    sender.emulator.limit_sending(paused=True)
    assert refusal(sender.send).code == "SendingPausedException"
    assert refusal(send_v1(sender)).code == "AccountSendingPausedException"
    assert sender.sesv2.get_account()["SendingEnabled"] is False
    sender.sesv2.put_account_sending_attributes(SendingEnabled=True)
    sender.send()


def test_limits_are_shown_and_changed_over_http(sender: Sender) -> None:
    url = sender.emulator.url
    changed = {"sandbox": False, "perSecond": 14, "perDay": 50_000, "paused": False}
    assert control(url, "POST", "/_sending", {"perSecond": 14, "perDay": 50_000}) == (200, changed)
    assert control(url, "GET", "/_sending") == (200, changed)
    control(url, "POST", "/_reset")
    assert control(url, "GET", "/_sending")[1]["perSecond"] is None


@pytest.mark.parametrize(
    "body", [None, {}, [], {"rate": 1}, {"sandbox": 1}, {"paused": None}, {"perSecond": 0}, {"perSecond": "1"},
             {"perDay": -1}, {"perDay": True}, {"perDay": 1.5}],
)  # fmt: skip
def test_invalid_limits_are_refused(sender: Sender, body: object) -> None:
    status, answer = control(sender.emulator.url, "POST", "/_sending", body)
    assert (status, bool(answer["error"])) == (400, True)
