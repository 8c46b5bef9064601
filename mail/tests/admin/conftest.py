from __future__ import annotations

import pytest

from domains.models import Domain
from inbound.tests.support.factories import DomainFactory
from ses_integration.emulator.server import Emulator


@pytest.fixture
def domain(ses: Emulator) -> Domain:
    return DomainFactory(name="example.com")
