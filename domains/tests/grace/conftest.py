from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F

from domains.models import Domain, DomainDeletion
from inbound.tests.support.aws import store_mail
from inbound.tests.support.factories import (
    BlockedEmailFactory,
    DnsRecordFactory,
    EmailAddressFactory,
    EndpointFactory,
    ReceivedEmailFactory,
)
from ses_integration.api import database_now

URL = "/api/v2/domains"


@pytest.fixture
def grace(settings):
    settings.DOMAIN_DELETE_GRACE_DAYS = 30


@pytest.fixture
def full(domain, user, ses, grace):
    """`example.com` with an active and an inactive address, a blocked email, a record, a received mail, and stored mail."""
    endpoint = EndpointFactory(owner=user)
    EmailAddressFactory(domain=domain, address="a@example.com", endpoint=endpoint)
    EmailAddressFactory(domain=domain, address="b@example.com", is_active=False)
    BlockedEmailFactory(domain=domain)
    DnsRecordFactory(domain=domain)
    ReceivedEmailFactory(message__domain=domain, disposition="stored")
    store_mail(f"{domain.key_prefix}mail-1")
    ses.clear_journal()
    return domain


@pytest.fixture
def deletion(api, full, ses) -> DomainDeletion:
    """The deletion of `full` over the API."""
    assert api.delete(f"{URL}/{full.pk}").status_code == 200
    ses.clear_journal()
    return DomainDeletion.objects.get()


@pytest.fixture
def ends():
    """`ends(seconds)`: the grace period of every deletion ends so many seconds from now, by the clock of the database.

    The requests that began them have ended long ago.
    """

    def ends(seconds: float) -> None:
        until = database_now() + timedelta(seconds=seconds)
        Domain.objects.filter(restorable_until__isnull=False).update(restorable_until=until)
        DomainDeletion.objects.in_grace().update(
            restorable_until=until, started_at=F("started_at") - timedelta(hours=1)
        )

    return ends
