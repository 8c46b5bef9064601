"""A domain that SES has not verified."""

from __future__ import annotations

import pytest

from domains.models import Domain
from inbound.tests.support.aws import keep_new_identities_pending


@pytest.fixture
def added(api, ses):
    keep_new_identities_pending(ses)
    pk = api.post("/api/v2/domains", {"domain": "example.com"}).json()["id"]
    ses.clear_journal()
    return Domain.objects.get(pk=pk)
