from __future__ import annotations

import pytest

from domains.tests.conftest import impatient, no_region
from domains.tests.dns_server import dns_fixture
from inbound.tests.support.factories import EndpointFactory
from mail.tests.conftest import postbox

__all__ = ["dns_fixture", "impatient", "no_region", "postbox"]


@pytest.fixture
def endpoint(user):
    return EndpointFactory(owner=user)
