"""What tests of received mail may use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from inbound.tests.support.factories import DomainFactory
from mail.parsing.pool import Parser
from mail.tests.postbox import Postbox
from ses_integration.emulator.server import Emulator


@pytest.fixture
def postbox(ses: Emulator, user: User, settings: Any) -> Postbox:
    """SES receives mail for hello@example.com, and a queue gets the notifications."""
    made = ses.prepare_mail("eu-west-1")
    settings.SES_TOPIC_ARN, settings.SES_QUEUE_URL = made.topic_arn, made.queue_url
    box = Postbox(ses, DomainFactory(owner=user, name="example.com"), made.queue_url)
    box.add_address("hello")
    ses.clear_journal()
    return box


@pytest.fixture(scope="session")
def shared_parser() -> Iterator[Parser]:
    """A child process that reads mail, for all tests that do not hurt it."""
    with Parser(seconds=10, megabytes=512) as parser:
        yield parser
