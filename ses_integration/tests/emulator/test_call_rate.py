"""SES's rate limit of one call per second."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ses_integration.emulator.server import Emulator
from ses_integration.tests.emulator.clients import REGION, client, control, refusal


class FakeClock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def now() -> FakeClock:
    return FakeClock()


@pytest.fixture
def limited(now: FakeClock) -> Iterator[Emulator]:
    emulator = Emulator(calls_per_second=1, now=now)
    emulator.start()
    emulator.reset()
    yield emulator
    emulator.stop()


def test_v1_is_throttled_within_the_second(limited: Emulator, now: FakeClock) -> None:
    """Amazon SES Developer Guide, "Service quotas": one call a second. v1 says 400 Throttling, "Rate exceeded"."""
    ses = client("ses", limited.url)
    ses.create_receipt_rule_set(RuleSetName="one")
    now.seconds = 0.9
    answer = refusal(ses.create_receipt_rule_set, RuleSetName="two")
    assert (answer.code, answer.message, answer.status) == ("Throttling", "Rate exceeded", 400)
    now.seconds = 1.0
    assert [item["Name"] for item in ses.list_receipt_rule_sets()["RuleSets"]] == ["one"]
    assert [entry["applied"] for entry in limited.journal()] == [True, False, True]


def test_v1_and_v2_share_the_limit(limited: Emulator, now: FakeClock) -> None:
    """SES API v2 Reference, Common Errors: 429 TooManyRequestsException."""
    client("ses", limited.url).list_receipt_rule_sets()
    answer = refusal(client("sesv2", limited.url).list_email_identities)
    assert (answer.code, answer.status) == ("TooManyRequestsException", 429)


def test_a_refused_call_does_not_delay_the_next_one(limited: Emulator, now: FakeClock) -> None:
    """Amazon SES Developer Guide, "Service quotas": the second is counted from the last call that was accepted."""
    ses = client("ses", limited.url)
    ses.list_receipt_rule_sets()
    now.seconds = 0.99
    refusal(ses.list_receipt_rule_sets)
    now.seconds = 1.01
    ses.list_receipt_rule_sets()
    assert [entry["status"] for entry in limited.journal()] == [200, 400, 200]


def test_each_region_has_its_own_limit(limited: Emulator, now: FakeClock) -> None:
    """Amazon SES Developer Guide, "Service quotas": per account and region."""
    client("ses", limited.url).list_receipt_rule_sets()
    assert client("ses", limited.url, region="us-east-1").list_receipt_rule_sets()["RuleSets"] == []


def test_other_services_have_no_limit(limited: Emulator, now: FakeClock) -> None:
    """Amazon SES Developer Guide, "Service quotas": the quota is SES's."""
    client("ses", limited.url).list_receipt_rule_sets()
    s3 = client("s3", limited.url)
    s3.create_bucket(Bucket="mail", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="mail", Key="a", Body=b"")
    assert s3.list_objects_v2(Bucket="mail")["KeyCount"] == 1


def test_the_limit_can_be_changed_while_it_runs(limited: Emulator, now: FakeClock) -> None:
    """The emulator's own: 0 and null turn it off; a reset restores the value it was started with."""
    ses = client("ses", limited.url)
    for off in (0, None):
        assert control(limited.url, "POST", "/_clock", {"calls_per_second": off}) == (200, {"calls_per_second": None})
        ses.list_receipt_rule_sets()
        ses.list_receipt_rule_sets()
    control(limited.url, "POST", "/_reset")
    ses.list_receipt_rule_sets()
    assert refusal(ses.list_receipt_rule_sets).code == "Throttling"


@pytest.mark.parametrize(
    "body", [None, {}, {"calls_per_second": -1}, {"calls_per_second": "1"}, {"calls_per_second": True}, {"rate": 1}]
)
def test_an_invalid_limit_is_refused(limited: Emulator, body: object) -> None:
    """The emulator's own."""
    status, answer = control(limited.url, "POST", "/_clock", body)
    assert status == 400
    assert answer["error"]
    assert control(limited.url, "GET", "/_clock") == (200, {"calls_per_second": 1})
