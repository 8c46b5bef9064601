from __future__ import annotations

import pytest

from domains.tests.dns_server import PublishedDns


@pytest.fixture(autouse=True)
def patient(settings):
    """A time limit that is long enough for a busy machine, so that no question is asked twice. A passing test never waits
    for it."""
    settings.DNS_TIMEOUT_SECONDS = 30.0


@pytest.fixture
def second(settings, dns):
    """Another resolver, which is asked after `dns`."""
    server = PublishedDns()
    server.start()
    settings.DNS_RESOLVERS = [*settings.DNS_RESOLVERS, server.address]
    yield server
    server.stop()
