from __future__ import annotations

import pytest

from inbound.tests.support.factories import DomainFactory, UserFactory
from inbound.tests.support.prepared import verified_domain


@pytest.fixture
def domain(user, ses):
    """`example.com` of `user`, verified; the journal is empty."""
    domain = verified_domain(ses, user, "example.com")
    ses.clear_journal()
    return domain


@pytest.fixture
def other_domain(domain):
    return DomainFactory(owner=UserFactory(), name="example.net")
