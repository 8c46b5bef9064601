from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from domains.models import Domain
from domains.sharing.service import share
from inbound.tests.support.factories import UserFactory
from inbound.tests.support.prepared import verified_domain


@pytest.fixture
def domain(ses, user) -> Domain:
    return verified_domain(ses, user, "example.com")


@pytest.fixture
def jo(domain) -> User:
    """A manager of the domain."""
    member: User = UserFactory(username="jo")
    share(domain=domain, user=member, role="manager")
    return member


@pytest.fixture
def al(domain) -> User:
    """A viewer of the domain."""
    member: User = UserFactory(username="al")
    share(domain=domain, user=member, role="viewer")
    return member
