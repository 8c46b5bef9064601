"""Four fifths of what SES allows are used."""

from __future__ import annotations

import pytest

from desk.state.values import Kind
from inbound.tests.support.aws import recover_and_run_worker
from inbound.tests.support.factories import DomainFactory

pytestmark = pytest.mark.sqlite


def test_it_shows_until_there_is_room(ses, user, alive, settings, surfaces):
    settings.SES_MAX_IDENTITIES = 5
    domains = [DomainFactory(owner=user) for _ in range(4)]
    said = surfaces()
    said.assert_shows(Kind.QUOTA, "4 of 5 identities", "or have AWS raise the quota.")
    assert said.metrics["inbound_quota_ratio", "identities"] == 0.8

    domains[0].delete()
    recover_and_run_worker(ses)
    surfaces().assert_settled("4 of 5 identities")
