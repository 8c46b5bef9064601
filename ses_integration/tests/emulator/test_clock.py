"""SES's one call a second, and the socket that it is served on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ses_integration.emulator.server import Emulator
from ses_integration.tests.emulator.clients import REGION, client, control, refusal


class Now:
    """A clock that goes when told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def paced(now: Now) -> Iterator[Emulator]:
    emulator = Emulator(calls_per_second=1, now=now)
    emulator.start()
    emulator.reset()
    yield emulator
    emulator.stop()


def test_v1_is_throttled_within_the_second(paced: Emulator, now: Now) -> None:
    """Amazon SES Developer Guide, "Service quotas": one call a second. v1 says 400 Throttling, "Rate exceeded"."""
    ses = client("ses", paced.url)
    ses.create_receipt_rule_set(RuleSetName="one")
    now.seconds = 0.9
    answer = refusal(ses.create_receipt_rule_set, RuleSetName="two")
    assert (answer.code, answer.message, answer.status) == ("Throttling", "Rate exceeded", 400)
    now.seconds = 1.0
    assert [item["Name"] for item in ses.list_receipt_rule_sets()["RuleSets"]] == ["one"]
    assert [entry["applied"] for entry in paced.journal()] == [True, False, True]


def test_v1_and_v2_share_the_pace(paced: Emulator, now: Now) -> None:
    """SES API v2 Reference, Common Errors: 429 TooManyRequestsException."""
    client("ses", paced.url).list_receipt_rule_sets()
    answer = refusal(client("sesv2", paced.url).list_email_identities)
    assert (answer.code, answer.status) == ("TooManyRequestsException", 429)


def test_a_refused_call_does_not_push_the_next_one_back(paced: Emulator, now: Now) -> None:
    """Amazon SES Developer Guide, "Service quotas": the second is counted from the last call that was accepted."""
    ses = client("ses", paced.url)
    ses.list_receipt_rule_sets()
    now.seconds = 0.99
    refusal(ses.list_receipt_rule_sets)
    now.seconds = 1.01
    ses.list_receipt_rule_sets()
    assert [entry["status"] for entry in paced.journal()] == [200, 400, 200]


def test_regions_have_a_pace_each(paced: Emulator, now: Now) -> None:
    """Amazon SES Developer Guide, "Service quotas": per account and region."""
    client("ses", paced.url).list_receipt_rule_sets()
    assert client("ses", paced.url, region="us-east-1").list_receipt_rule_sets()["RuleSets"] == []


def test_other_services_are_not_slowed(paced: Emulator, now: Now) -> None:
    """Amazon SES Developer Guide, "Service quotas": the quota is SES's."""
    client("ses", paced.url).list_receipt_rule_sets()
    s3 = client("s3", paced.url)
    s3.create_bucket(Bucket="mail", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="mail", Key="a", Body=b"")
    assert s3.list_objects_v2(Bucket="mail")["KeyCount"] == 1


def test_the_pace_is_switched_while_it_runs(paced: Emulator, now: Now) -> None:
    """The emulator's own: 0 and null switch it off; a reset brings back what it was started with."""
    ses = client("ses", paced.url)
    for off in (0, None):
        assert control(paced.url, "POST", "/_clock", {"calls_per_second": off}) == (200, {"calls_per_second": None})
        ses.list_receipt_rule_sets()
        ses.list_receipt_rule_sets()
    control(paced.url, "POST", "/_reset")
    ses.list_receipt_rule_sets()
    assert refusal(ses.list_receipt_rule_sets).code == "Throttling"


@pytest.mark.parametrize(
    "body", [None, {}, {"calls_per_second": -1}, {"calls_per_second": "1"}, {"calls_per_second": True}, {"rate": 1}]
)
def test_a_pace_that_is_none_is_refused(paced: Emulator, body: object) -> None:
    """The emulator's own."""
    status, answer = control(paced.url, "POST", "/_clock", body)
    assert status == 400
    assert answer["error"]
    assert control(paced.url, "GET", "/_clock") == (200, {"calls_per_second": 1})


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.com", ""])  # noqa: S104
def test_it_listens_on_loopback_only(host: str) -> None:
    """The emulator's own: it takes any credentials, so nobody else may reach it."""
    with pytest.raises(ValueError, match="loopback"):
        Emulator(host=host)


def test_it_can_be_stopped_and_started_again(now: Now) -> None:
    """The emulator's own: the port is free again, and stopping twice is no harm."""
    emulator = Emulator(host="localhost")
    emulator.start()
    url = emulator.url
    emulator.stop()
    emulator.stop()
    with pytest.raises(ConnectionRefusedError):
        control(url, "GET", "/_health")
    emulator.start()
    assert control(emulator.url, "GET", "/_health")[0] == 200
    emulator.stop()


def test_a_taken_port_is_an_error_and_not_the_end_of_the_process(running_emulator: Any) -> None:
    """The emulator's own: werkzeug would exit."""
    port = int(running_emulator.url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        Emulator(port=port).start()
