from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from domains.models import Domain
from inbound.tests.support.factories import DomainFactory
from ses_integration.emulator.server import Emulator


@pytest.fixture
def domain(ses: Emulator, user: User) -> Domain:
    return DomainFactory(owner=user, name="example.com")
