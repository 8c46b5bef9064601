"""Answers whose body is cut half-way, or slow; and calls that read stored mail in the journal."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError, IncompleteReadError, ReadTimeoutError, ResponseStreamingError

from ses_integration.emulator.server import Emulator
from ses_integration.tests.emulator.clients import control, refusal

pytestmark = pytest.mark.sqlite_only

BODY = bytes(range(256)) * 400


@pytest.fixture
def stored(s3: Any, bucket: str) -> Any:
    s3.put_object(Bucket=bucket, Key="k", Body=BODY)
    return s3


def read(s3: Any) -> bytes:
    body: bytes = s3.get_object(Bucket="mail", Key="k")["Body"].read()
    return body


def test_a_body_can_be_cut_half_way(stored: Any, emulator: Emulator) -> None:
    emulator.add_faults({"service": "s3", "action": "GetObject", "fault": "cut_body"})
    answer = stored.get_object(Bucket="mail", Key="k")
    assert answer["ContentLength"] == len(BODY)
    half = answer["Body"].read(len(BODY) // 2)
    assert half == BODY[: len(BODY) // 2]
    with pytest.raises((IncompleteReadError, ResponseStreamingError)):
        answer["Body"].read()
    assert read(stored) == BODY


def test_a_slow_body_arrives_completely(stored: Any, emulator: Emulator) -> None:
    emulator.add_faults({"service": "s3", "action": "GetObject", "fault": "slow_body", "seconds": 0.2})
    started = time.monotonic()
    assert read(stored) == BODY
    assert time.monotonic() - started >= 0.2


def test_a_reset_cuts_a_slow_body(stored: Any, emulator: Emulator) -> None:
    emulator.add_faults({"service": "s3", "action": "GetObject", "fault": "slow_body", "seconds": 3600})
    with ThreadPoolExecutor(1) as pool:
        answer = stored.get_object(Bucket="mail", Key="k")
        reading = pool.submit(answer["Body"].read)
        emulator.reset()
        with pytest.raises((IncompleteReadError, ResponseStreamingError, ReadTimeoutError)):
            reading.result(timeout=10)


def test_a_slow_body_needs_its_seconds(emulator: Emulator) -> None:
    assert control(emulator.url, "POST", "/_faults", {"fault": "slow_body"})[0] == 400


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [("throttle", "SlowDown", 503), ("fail", "InternalError", 500), ("access_denied", "AccessDenied", 403)],
)
@pytest.mark.parametrize("action", ["GetObject", "ListObjectsV2"])
def test_reading_stored_mail_can_be_refused(
    stored: Any, emulator: Emulator, action: str, fault: str, code: str, status: int
) -> None:
    emulator.add_faults({"service": "s3", "action": action, "fault": fault})
    call = {"GetObject": lambda: stored.get_object(Bucket="mail", Key="k")}.get(
        action, lambda: stored.list_objects_v2(Bucket="mail")
    )
    answer = refusal(call)
    assert (answer.code, answer.status) == (code, status)
    [entry] = emulator.journal()[-1:]
    assert (entry["service"], entry["action"], entry["status"], entry["applied"]) == ("s3", action, status, False)
    call()


def test_a_missing_key_is_404(stored: Any) -> None:
    with pytest.raises(ClientError) as caught:
        stored.get_object(Bucket="mail", Key="other")
    assert caught.value.response["Error"]["Code"] == "NoSuchKey"
