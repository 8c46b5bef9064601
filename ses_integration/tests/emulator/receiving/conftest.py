"""An emulated SES that receives mail for example.com."""

from __future__ import annotations

from typing import Any

import pytest

from ses_integration.emulator.server import Emulator
from ses_integration.tests.emulator.clients import REGION, client
from ses_integration.tests.emulator.receiving.inbox import Inbox


@pytest.fixture
def inbox(emulator: Emulator, rules: Any, bucket: str, sesv2: Any) -> Inbox:
    """Rule set, bucket, topic and queue are ready. `add_rule` adds the rules."""
    rules.set_active_receipt_rule_set(RuleSetName="set")
    sesv2.create_email_identity(EmailIdentity="example.com")
    prepared = emulator.prepare_mail(REGION)
    return Inbox(emulator, rules, client("s3", emulator.url), client("sqs", emulator.url), prepared)
