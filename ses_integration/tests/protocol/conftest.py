from __future__ import annotations

import pytest

from ses_integration.emulator.server import Emulator
from ses_integration.tests.fake_domains import receive
from ses_integration.tests.protocol_steps import Writer


@pytest.fixture
def start(ses: Emulator, rows: None) -> Emulator:
    """SES and the rows hold `{a}`, and everything is confirmed."""
    receive("a")
    Writer().finish()
    ses.clear_journal()
    return ses
