"""A receiver of webhooks on this machine, and deliveries to it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from endpoints.models import Endpoint
from endpoints.services import create_endpoint
from inbound.tests.support.factories import DomainFactory
from mail.tests.webhooks.hook import Hook
from ses_integration.emulator.server import Emulator


@pytest.fixture
def hook(ses: Emulator, user: User, settings: Any) -> Hook:
    """An endpoint of the user, whose requests the emulator takes."""
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    config = {"url": f"{ses.url}/_hooks/main", "timeout": 5}
    endpoint = create_endpoint(owner=user, name="Main", endpoint_type=Endpoint.Type.WEBHOOK, config=config)
    return Hook(ses, endpoint, DomainFactory(owner=user, name="example.com"))
