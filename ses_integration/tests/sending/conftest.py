from __future__ import annotations

import boto3
import pytest

from ses_integration.emulator.server import Emulator


@pytest.fixture
def sender(ses: Emulator) -> Emulator:
    """An AWS where example.com may send, with an empty journal."""
    boto3.client("sesv2", region_name="eu-west-1").create_email_identity(EmailIdentity="example.com")
    ses.clear_journal()
    return ses
