"""A plan's token is refused after any change that the plan would show, and accepted otherwise."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from addresses.deletion import delete_address
from addresses.deletion_plan import check_token
from addresses.deletion_plan import plan_of as plan_for
from addresses.models import EmailAddress
from addresses.services import update_address
from domains.lifecycle.catch_all import set_catch_all
from domains.models import Domain
from endpoints.services import update_endpoint
from inbound.tests.processes.support.stack import wait_for
from inbound.tests.support.aws import calls, store_mail
from inbound.tests.support.database_locks import a_transaction_waits_for_a_lock
from inbound.tests.support.factories import BlockedEmailFactory, DomainFactory, EmailAddressFactory, EndpointFactory
from rest.deletion.plan_token import PlanOutdated
from ses_integration.models import InFlightCall, LedgerEntry, LedgerIdentity


@pytest.fixture
def crm(user):
    return EndpointFactory(owner=user, name="CRM")


@pytest.fixture
def address(domain, crm, ses):
    """One of two addresses."""
    row = EmailAddressFactory(domain=domain, address="a@example.com", endpoint=crm)
    EmailAddressFactory(domain=domain, address="b@example.com")
    ses.clear_journal()
    return row


# Applied one after the other; each of them changes the plan.
SHOWN = {
    "another address": lambda a: EmailAddressFactory(domain=a.domain, address="c@example.com"),
    "another address is switched off": lambda a: update_address(
        address=EmailAddress.objects.get(address="c@example.com"), changes={"is_active": False}
    ),
    "it is switched off": lambda a: update_address(address=a, changes={"is_active": False}),
    "it is switched on": lambda a: update_address(address=a, changes={"is_active": True}),
    "its endpoint is renamed": lambda a: update_endpoint(endpoint=a.endpoint, name="Renamed"),
    "its endpoint is switched off": lambda a: update_endpoint(endpoint=a.endpoint, is_active=False),
    "it has no route": lambda a: update_address(address=a, changes={"endpoint_id": None}),
    "an endpoint forwards to it": lambda a: EndpointFactory(
        owner=a.domain.owner, type="email", config={"forwardTo": a.address}
    ),
    "it is blocked": lambda a: BlockedEmailFactory(domain=a.domain, email_address=a.address),
    "the catch-all is on": lambda a: set_catch_all(
        domain=a.domain, enabled=True, endpoint_id=EndpointFactory(owner=a.domain.owner).pk
    ),
    "the rule is not confirmed": lambda a: LedgerEntry.objects.filter(kind="rule").update(presence="unknown"),
    "a call gets no answer": lambda a: InFlightCall.objects.create(
        entry=LedgerEntry.objects.get(kind="rule"),
        operation="update_rule",
        recipients=["late@example.com"],
        fence=1,
        until=timezone.now() + timedelta(hours=1),
    ),
}
NOT_SHOWN = {
    "nothing": lambda a: None,
    "its endpoint's configuration": lambda a: update_endpoint(
        endpoint=a.endpoint, config={"url": "https://other.example/"}
    ),
    "an endpoint forwards to another address": lambda a: EndpointFactory(
        owner=a.domain.owner, type="email", config={"forwardTo": "b@example.com"}
    ),
    "another address's route": lambda a: EmailAddress.objects.exclude(pk=a.pk).update(endpoint=a.endpoint),
    "another domain": lambda a: EmailAddressFactory(domain=DomainFactory(owner=a.domain.owner)),
    "another block": lambda a: BlockedEmailFactory(domain=a.domain),
    "stored mail": lambda a: store_mail(f"{a.domain.key_prefix}mail"),
    "when SES has confirmed it": lambda a: LedgerEntry.objects.update(changed_at=timezone.now() + timedelta(hours=1)),
    "what SES tells of the identity": lambda a: LedgerIdentity.objects.update(status="Failed"),
}


def fresh(address):
    return EmailAddress.objects.select_related("domain", "endpoint").get(pk=address.pk)


def test_a_token_is_refused_after_each_visible_change(address, ses, subtests):
    for what, change in SHOWN.items():
        with subtests.test(what):
            token = str(plan_for(fresh(address)).token)
            change(fresh(address))
            ses.clear_journal()
            with pytest.raises(PlanOutdated):
                delete_address(fresh(address), plan_token=token)
            # The check under the lock notices it, too.
            with pytest.raises(PlanOutdated), transaction.atomic():
                check_token(fresh(address), token)
            assert calls(ses) == []
    assert EmailAddress.objects.filter(pk=address.pk).exists()


def test_a_token_is_accepted_after_each_invisible_change(address, subtests):
    token = str(plan_for(fresh(address)).token)
    for what, change in NOT_SHOWN.items():
        with subtests.test(what):
            change(fresh(address))
            assert str(plan_for(fresh(address)).token) == token
            with transaction.atomic():
                check_token(fresh(address), token)
    assert delete_address(fresh(address), plan_token=token).removed_from_ses


@pytest.mark.postgresql
def test_an_address_added_between_the_check_and_the_lock_is_noticed(address):
    """The deletion finds the plan unchanged, waits for the lock that the addition holds, and then notices the address."""
    row = fresh(address)
    token = str(plan_for(row).token)

    def refused():
        try:
            with pytest.raises(PlanOutdated):
                delete_address(row, plan_token=token)
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            Domain.objects.select_for_update().get(pk=row.domain_id)
            EmailAddressFactory(domain=row.domain, address="c@example.com")
            deleting = threads.submit(refused)
            wait_for(a_transaction_waits_for_a_lock, within=60, what="the deletion had looked and waited")
        assert deleting.result()
    assert EmailAddress.objects.count() == 3
