"""The descriptions of domains that ses_integration gets."""

from __future__ import annotations

import pytest

from domains.models import Domain
from domains.provider import addresses_of, domain_specs, spec_of
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def test_a_spec_has_the_inactive_addresses_too_in_two_statements(django_assert_num_queries):
    domain, empty = DomainFactory(), DomainFactory()
    active = EmailAddressFactory(domain=domain)
    inactive = EmailAddressFactory(domain=domain, is_active=False)
    with django_assert_num_queries(2):
        specs = {spec.name: spec for spec in domain_specs(None)}
    assert [address.address for address in specs[domain.name].addresses] == [active.address]
    assert specs[domain.name].inactive == (inactive.address,)
    assert specs[domain.name].recipients == {active.address, inactive.address}
    assert specs[empty.name].recipients == frozenset()


def test_the_reconciler_and_a_plan_get_the_same_spec():
    domain = EmailAddressFactory(domain=DomainFactory(is_catch_all_enabled=True), is_active=False).domain
    row = Domain.objects.get(pk=domain.pk)
    assert domain_specs([row.name]) == [spec_of(row, addresses_of(row))]
