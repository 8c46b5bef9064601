"""Four fifths of what SES allows are used."""

from __future__ import annotations

import pytest

from desk.state.values import Kind
from inbound.tests.support.aws import recover_and_run_worker
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory

pytestmark = pytest.mark.sqlite

NAMES = ("a.example", "b.example")


def test_it_shows_until_there_is_room(ses, user, alive, settings, surfaces):
    settings.SES_MAX_IDENTITIES = 5
    domains = [DomainFactory(owner=user) for _ in range(4)]
    said = surfaces()
    said.assert_shows(Kind.QUOTA, "4 of 5 identities", "or have AWS raise the quota.")
    assert said.metrics["inbound_quota_ratio", "identities"] == 0.8

    domains[0].delete()
    recover_and_run_worker(ses)
    surfaces().assert_settled("4 of 5 identities")


def test_a_rule_set_that_takes_fewer_rules_than_documented_shows_until_there_is_room(ses, user, alive, surfaces):
    ses.set_quotas(rules=1)
    first, second = (EmailAddressFactory(domain=DomainFactory(owner=user, name=name)) for name in NAMES)
    recover_and_run_worker(ses)
    said = surfaces()
    said.assert_shows(Kind.QUOTA, "2 of 1 rules")
    said.assert_shows(Kind.SES_CHANGE, "The receipt rule set has no room for another rule.")

    first.delete()
    recover_and_run_worker(ses)
    second.delete()
    recover_and_run_worker(ses)
    surfaces().assert_settled("2 of 1 rules", "no room")
