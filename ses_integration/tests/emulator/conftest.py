"""One emulator for the whole run, reset before every test, and clients for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ses_integration.emulator.server import Emulator
from ses_integration.tests.emulator.clients import REGION, client
from ses_integration.tests.emulator.receiving.inbox import Inbox


@pytest.fixture(scope="session")
def running_emulator() -> Iterator[Emulator]:
    emulator = Emulator(smtp_port=0)
    emulator.start()
    yield emulator
    emulator.stop()


@pytest.fixture
def emulator(running_emulator: Emulator) -> Emulator:
    running_emulator.reset()
    return running_emulator


@pytest.fixture
def ses(emulator: Emulator) -> Any:
    return client("ses", emulator.url)


@pytest.fixture
def sesv2(emulator: Emulator) -> Any:
    return client("sesv2", emulator.url)


@pytest.fixture
def s3(emulator: Emulator) -> Any:
    return client("s3", emulator.url)


@pytest.fixture
def rules(ses: Any) -> Any:
    """The SES client, with an empty rule set named `set`."""
    ses.create_receipt_rule_set(RuleSetName="set")
    return ses


@pytest.fixture
def bucket(s3: Any) -> str:
    s3.create_bucket(Bucket="mail", CreateBucketConfiguration={"LocationConstraint": REGION})
    return "mail"


@pytest.fixture
def inbox(emulator: Emulator, rules: Any, bucket: str, sesv2: Any) -> Inbox:
    """SES receives mail for example.com: rule set, bucket, topic and queue are ready. `add_rule` adds the rules."""
    rules.set_active_receipt_rule_set(RuleSetName="set")
    sesv2.create_email_identity(EmailIdentity="example.com")
    prepared = emulator.prepare_mail(REGION)
    return Inbox(emulator, rules, client("s3", emulator.url), client("sqs", emulator.url), prepared)
