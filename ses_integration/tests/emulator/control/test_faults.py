"""Faults, as a client sees them."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from ses_integration.emulator.server import Emulator
from ses_integration.tests.emulator.clients import control, refusal


def rule_sets(ses: Any) -> list[str]:
    return [item["Name"] for item in ses.list_receipt_rule_sets()["RuleSets"]]


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [
        ({"fault": "throttle"}, "Throttling", 400),
        ({"fault": "fail"}, "InternalFailure", 500),
        ({"fault": "access_denied"}, "AccessDenied", 403),
        ({"fault": "error", "code": "ServiceUnavailable", "status": 503}, "ServiceUnavailable", 503),
    ],
    ids=lambda value: value["fault"] if isinstance(value, dict) else None,
)  # fmt: skip
def test_v1_errors_have_its_format_and_apply_nothing(
    emulator: Emulator, ses: Any, fault: dict[str, Any], code: str, status: int
) -> None:
    """SES API Reference, Common Errors; throttling is 400 Throttling "Rate exceeded"."""
    emulator.add_faults(fault)
    answer = refusal(ses.create_receipt_rule_set, RuleSetName="set")
    assert (answer.code, answer.status) == (code, status)
    assert rule_sets(ses) == []


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [
        ({"fault": "throttle"}, "TooManyRequestsException", 429),
        ({"fault": "fail"}, "InternalFailure", 500),
        ({"fault": "access_denied"}, "AccessDeniedException", 403),
        ({"fault": "error", "code": "ConcurrentModificationException", "status": 500},
         "ConcurrentModificationException", 500),
    ],
    ids=lambda value: value["fault"] if isinstance(value, dict) else None,
)  # fmt: skip
def test_v2_errors_have_its_format_and_apply_nothing(
    emulator: Emulator, sesv2: Any, fault: dict[str, Any], code: str, status: int
) -> None:
    """SES API v2 Reference, Common Errors; throttling is 429 TooManyRequestsException."""
    emulator.add_faults(fault)
    answer = refusal(sesv2.create_email_identity, EmailIdentity="example.com")
    assert (answer.code, answer.status) == (code, status)
    assert sesv2.list_email_identities()["EmailIdentities"] == []


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [("throttle", "SlowDown", 503), ("fail", "InternalError", 500), ("access_denied", "AccessDenied", 403)],
)
def test_s3_errors_have_its_format_and_apply_nothing(
    emulator: Emulator, s3: Any, bucket: str, kind: str, code: str, status: int
) -> None:
    """Amazon S3 API Reference, Error Responses."""
    emulator.add_faults({"service": "s3", "action": "PutObject", "fault": kind})
    answer = refusal(s3.put_object, Bucket=bucket, Key="a", Body=b"")
    assert (answer.code, answer.status) == (code, status)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_a_lost_call_is_applied_without_a_response(emulator: Emulator, ses: Any) -> None:
    """The emulator's own: the response is lost, which a client cannot tell from a call that never arrived."""
    emulator.add_faults({"action": "CreateReceiptRuleSet", "fault": "lost"})
    with pytest.raises(ConnectionClosedError):
        ses.create_receipt_rule_set(RuleSetName="set")
    assert rule_sets(ses) == ["set"]
    entry = emulator.journal()[0]
    assert (entry["action"], entry["status"], entry["applied"]) == ("CreateReceiptRuleSet", 0, True)


def test_a_dropped_call_is_neither_applied_nor_answered(emulator: Emulator, ses: Any) -> None:
    """The emulator's own: the call is lost on its way."""
    emulator.add_faults({"action": "CreateReceiptRuleSet", "fault": "dropped"})
    with pytest.raises(ConnectionClosedError):
        ses.create_receipt_rule_set(RuleSetName="set")
    assert rule_sets(ses) == []
    entry = emulator.journal()[0]
    assert (entry["action"], entry["status"], entry["applied"]) == ("CreateReceiptRuleSet", 0, False)


def test_a_delayed_call_is_applied_and_answered_after_the_delay(emulator: Emulator, ses: Any) -> None:
    """The emulator's own: the delay comes before the call is applied."""
    emulator.add_faults({"action": "CreateReceiptRuleSet", "fault": "delay", "seconds": 0.2})
    began = time.monotonic()
    ses.create_receipt_rule_set(RuleSetName="set")
    assert time.monotonic() - began >= 0.2
    assert rule_sets(ses) == ["set"]
    entry = emulator.journal()[0]
    assert (entry["action"], entry["status"], entry["applied"]) == ("CreateReceiptRuleSet", 200, True)


def test_a_delayed_call_does_not_delay_others(emulator: Emulator, ses: Any) -> None:
    """The emulator's own: other calls pass while it waits. A reset ends the wait, and the call is not applied."""
    emulator.add_faults({"action": "CreateReceiptRuleSet", "fault": "delay", "seconds": 3600})
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(ses.create_receipt_rule_set, RuleSetName="slow")
        eventually(lambda: control(emulator.url, "GET", "/_faults") == (200, []))
        ses.create_receipt_rule_set(RuleSetName="fast")
        assert rule_sets(ses) == ["fast"]
        assert not waiting.done()
        emulator.reset()
        assert isinstance(waiting.exception(timeout=30), ConnectionClosedError)
    assert rule_sets(ses) == []


def test_the_connection_of_a_late_call_closes_at_once(emulator: Emulator, ses: Any) -> None:
    """The emulator's own: its sender gets no response, and nothing has happened yet."""
    emulator.add_faults({"action": "CreateReceiptRuleSet", "fault": "late", "seconds": 3600})
    with pytest.raises(ConnectionClosedError):
        ses.create_receipt_rule_set(RuleSetName="set")
    assert rule_sets(ses) == []
    assert [entry["action"] for entry in emulator.journal()] == ["ListReceiptRuleSets"]


def test_a_late_call_is_applied_after_its_sender_gave_up(emulator: Emulator, ses: Any) -> None:
    """The emulator's own: it is journaled when it is applied."""
    emulator.add_faults({"action": "CreateReceiptRuleSet", "fault": "late", "seconds": 0.05})
    with pytest.raises(ConnectionClosedError):
        ses.create_receipt_rule_set(RuleSetName="set")
    eventually(lambda: rule_sets(ses) == ["set"])
    eventually(lambda: landed(emulator) == [(0, True)])


def test_a_reset_cancels_late_calls(emulator: Emulator, ses: Any) -> None:
    """The emulator's own: no call of one test is applied in the next. The old call would be applied before the new one."""
    for name in ("old", "new"):
        emulator.reset()
        emulator.add_faults({"action": "CreateReceiptRuleSet", "fault": "late", "seconds": 0.2})
        with pytest.raises(ConnectionClosedError):
            ses.create_receipt_rule_set(RuleSetName=name)
    eventually(lambda: "new" in rule_sets(ses))
    assert rule_sets(ses) == ["new"]


def test_a_fault_applies_once(emulator: Emulator, ses: Any) -> None:
    """The emulator's own: once by default."""
    emulator.add_faults({"fault": "throttle"}, {"fault": "fail", "times": 2})
    create = ses.create_receipt_rule_set
    codes = [refusal(create, RuleSetName="set").code for _ in range(3)]
    assert codes == ["Throttling", "InternalFailure", "InternalFailure"]
    create(RuleSetName="set")


@pytest.mark.parametrize("times", [0, None])
def test_a_fault_without_a_count_stays_until_it_is_deleted(emulator: Emulator, ses: Any, times: int | None) -> None:
    """The emulator's own: 0 and null mean until deleted."""
    emulator.add_faults({"fault": "throttle", "times": times})
    for _ in range(5):
        assert refusal(ses.create_receipt_rule_set, RuleSetName="set").code == "Throttling"
    emulator.clear_faults()
    ses.create_receipt_rule_set(RuleSetName="set")


def test_a_fault_can_skip_calls(emulator: Emulator, ses: Any) -> None:
    """The emulator's own: `skip` counts calls that match."""
    emulator.add_faults({"action": "CreateReceiptRuleSet", "fault": "throttle", "skip": 2})
    ses.create_receipt_rule_set(RuleSetName="one")
    ses.list_receipt_rule_sets()
    ses.create_receipt_rule_set(RuleSetName="two")
    assert refusal(ses.create_receipt_rule_set, RuleSetName="three").code == "Throttling"


def test_a_fault_applies_only_to_matching_calls(emulator: Emulator, ses: Any, sesv2: Any, s3: Any) -> None:
    """The emulator's own: service and action, each a name or `*`."""
    emulator.add_faults({"service": "sesv2", "fault": "throttle"}, {"action": "ListBuckets", "fault": "fail"})
    ses.create_receipt_rule_set(RuleSetName="set")
    assert refusal(sesv2.list_email_identities).code == "TooManyRequestsException"
    assert refusal(s3.list_buckets).code == "InternalError"
    assert control(emulator.url, "GET", "/_faults") == (200, [])


def test_faults_are_added_listed_and_deleted_over_http(emulator: Emulator) -> None:
    """The emulator's own: POST takes one object or a list, GET lists what is left, DELETE removes all."""
    control(emulator.url, "POST", "/_faults", {"fault": "throttle", "service": "ses", "times": 3})
    status, listed = control(emulator.url, "POST", "/_faults", [{"fault": "late", "seconds": 1.5}])
    assert status == 200
    assert [(fault["fault"], fault["service"], fault["times"], fault["seconds"]) for fault in listed] == [
        ("throttle", "ses", 3, 0.0),
        ("late", "*", 1, 1.5),
    ]
    assert control(emulator.url, "GET", "/_faults") == (200, listed)
    assert control(emulator.url, "DELETE", "/_faults") == (200, [])
    assert control(emulator.url, "GET", "/_faults") == (200, [])


@pytest.mark.parametrize(
    "body",
    [b"{", None, 1, {}, {"fault": "explode"}, {"fault": "delay"}, {"fault": "late"}, {"fault": "error"},
     {"fault": "fail", "times": -1}, {"fault": "fail", "times": True}, {"fault": "fail", "skip": None},
     {"fault": "delay", "seconds": -1}, {"fault": "delay", "seconds": "1"}, {"fault": "fail", "service": 1},
     {"fault": "error", "code": "A", "status": 200}, {"fault": "fail", "tmies": 2},
     [{"fault": "fail"}, {"fault": "explode"}]],
)  # fmt: skip
def test_one_invalid_fault_refuses_the_whole_list(emulator: Emulator, body: object) -> None:
    """The emulator's own: a misspelt fault must not look like one that never fires."""
    status, answer = control(emulator.url, "POST", "/_faults", body)
    assert status == 400
    assert answer["error"]
    assert control(emulator.url, "GET", "/_faults") == (200, [])


def landed(emulator: Emulator) -> list[tuple[int, bool]]:
    """Status and effect of every CreateReceiptRuleSet so far."""
    return [
        (entry["status"], entry["applied"]) for entry in emulator.journal() if entry["action"] == "CreateReceiptRuleSet"
    ]


def eventually(condition: Callable[[], bool]) -> None:
    """Poll until the condition holds, or fail."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline


def test_a_fault_can_be_limited_to_one_access_key(emulator: Emulator, ses: Any, s3: Any) -> None:
    refused = {"fault": "error", "code": "InvalidClientTokenId", "status": 403, "times": None}
    emulator.add_faults({**refused, "access_key": "another"})
    assert rule_sets(ses) == []
    emulator.add_faults({**refused, "access_key": "any"})
    assert refusal(ses.list_receipt_rule_sets).code == "InvalidClientTokenId"
    assert refusal(s3.list_buckets).status == 403
