"""The descriptions of domains that ses_integration gets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domains.models import Domain
from domains.provider import addresses_of, domain_specs, spec_of
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def test_the_reconciler_gets_active_addresses_only_in_one_statement(django_assert_num_queries):
    domain, empty = DomainFactory(), DomainFactory()
    active = EmailAddressFactory(domain=domain)
    EmailAddressFactory(domain=domain, is_active=False)
    with django_assert_num_queries(1):
        specs = {spec.name: spec for spec in domain_specs(None)}
    assert [address.address for address in specs[domain.name].addresses] == [active.address]
    assert specs[domain.name].inactive == ()
    assert specs[domain.name].recipients == {active.address}
    assert specs[empty.name].recipients == frozenset()


def test_the_reconciler_can_get_the_addresses_of_one_rule():
    domain = DomainFactory()
    addresses = [EmailAddressFactory(domain=domain).address for _ in range(5)]
    empty = DomainFactory()
    specs = {spec.name: spec for spec in domain_specs([domain.name, empty.name], range(2, 4))}
    assert sorted(specs[domain.name].addresses) == sorted([(addresses[2], 2), (addresses[3], 3)])
    assert specs[empty.name].addresses == ()


def test_a_plan_gets_the_spec_of_the_reconciler_with_the_inactive_addresses():
    domain = DomainFactory(is_catch_all_enabled=True)
    EmailAddressFactory(domain=domain)
    inactive = EmailAddressFactory(domain=domain, is_active=False)
    row = Domain.objects.get(pk=domain.pk)
    planned = spec_of(row, addresses_of(row))
    assert planned.inactive == (inactive.address,)
    assert domain_specs([row.name]) == [replace(planned, inactive=())]
