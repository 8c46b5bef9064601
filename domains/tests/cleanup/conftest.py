from __future__ import annotations

import pytest

from domains.models import Domain
from domains.tests.cleanup.leftovers import forget
from inbound.tests.support.aws import store_mail
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory
from ses_integration.models import DomainSync


@pytest.fixture
def lost(ses):
    """`lost.org` with a rule, an identity and a stored mail, and nobody who knows of them; its folder."""
    domain = DomainFactory(name="lost.org")
    EmailAddressFactory(domain=domain, address="a@lost.org")
    store_mail(f"{domain.key_prefix}mail")
    forget("lost.org")
    ses.clear_journal()
    return domain.key_prefix


@pytest.fixture
def unknown(lost):
    """The same as after a restore from a backup that is older than the domain: nothing here tells of it."""
    DomainSync.objects.filter(domain="lost.org").delete()
    return lost


@pytest.fixture
def live(ses, user) -> Domain:
    """A domain of ours with an address and a mail."""
    domain = DomainFactory(name="live.org", owner=user)
    EmailAddressFactory(domain=domain, address="a@live.org")
    store_mail(f"{domain.key_prefix}mail")
    ses.clear_journal()
    return domain
