from __future__ import annotations

import pytest

from inbound.tests.factories import DomainFactory


@pytest.fixture
def domain(user, ses):
    """`example.com`, verified, with its identity in SES and no rule; the journal is empty."""
    domain = DomainFactory(owner=user, name="example.com")
    ses.clear_journal()
    return domain


@pytest.fixture
def impatient(settings):
    """A request gives up on SES soon."""
    settings.SES_REQUEST_BUDGET = 0.4
