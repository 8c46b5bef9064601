"""A plan's token is refused after any change that the plan would show, and accepted otherwise."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from addresses.models import EmailAddress
from addresses.services import create_address, update_address
from domains.deletion.service import delete_domain
from domains.deletion_plan.build import check_token, plan_of
from domains.lifecycle.catch_all import set_catch_all
from domains.models import Domain, DomainDeletion
from endpoints.services import delete_endpoint, update_endpoint
from inbound.tests.processes.support.stack import wait_for
from inbound.tests.support.aws import calls, store_mail
from inbound.tests.support.database_locks import a_transaction_waits_for_a_lock
from inbound.tests.support.factories import (
    BlockedEmailFactory,
    DnsRecordFactory,
    DomainFactory,
    EmailAddressFactory,
    EndpointFactory,
    MessageFactory,
    ReceivedEmailFactory,
    UserFactory,
)
from rest.deletion.plan_token import PlanOutdated, PlanToken, Subject
from ses_integration.aws import clients
from ses_integration.models import InFlightCall, LedgerEntry, LedgerIdentity

MX = "10 inbound-smtp.eu-west-1.amazonaws.com"


@dataclass
class PlannedDomain:
    """A domain, and everything else that its plan shows or that the tests change."""

    domain: Any
    user: Any
    ses: Any
    dns: Any
    settings: Any
    crm: Any
    spare: Any

    def address(self, local: str) -> EmailAddress:
        return EmailAddress.objects.get(address=f"{local}@example.com")

    def route(self, local: str, endpoint: Any) -> None:
        update_address(address=self.address(local), changes={"endpoint_id": endpoint and endpoint.pk})

    def outcome(self, **values: Any) -> None:
        entry = LedgerEntry.objects.get(kind="rule", domain="example.com")
        InFlightCall.objects.create(
            entry=entry, operation="update_rule", recipients=["late@example.com"], fence=1, **values
        )


@pytest.fixture
def planned(domain, user, ses, dns, settings):
    crm, spare = EndpointFactory(owner=user, name="CRM"), EndpointFactory(owner=user, name="Spare")
    EmailAddressFactory(domain=domain, address="a@example.com", endpoint=crm)
    DnsRecordFactory(domain=domain, record_type="MX", name="example.com", value=MX)
    dns.publish("example.com", "MX", MX, "20 mx.example.org")
    store_mail(f"{domain.key_prefix}mail-1")
    return PlannedDomain(domain, user, ses, dns, settings, crm, spare)


def rename(planned, endpoint, name):
    update_endpoint(endpoint=endpoint, name=name)


def switch(planned, endpoint):
    set_catch_all(domain=planned.domain, enabled=endpoint is not None, endpoint_id=endpoint and endpoint.pk)


def delete_mail(planned):
    s3 = clients.s3("eu-west-1")
    s3.delete_object(Bucket="inbound-mail", Key=f"{planned.domain.key_prefix}mail-1")


# Applied one after the other to one domain; each of them changes the plan.
SHOWN = {
    "an address is added": lambda p: create_address(domain=p.domain, address="b@example.com", endpoint_id=None),
    "an address is switched off": lambda p: update_address(address=p.address("b"), changes={"is_active": False}),
    "an address is switched on": lambda p: update_address(address=p.address("b"), changes={"is_active": True}),
    "an address gets a route": lambda p: p.route("b", p.crm),
    "an address gets another route": lambda p: p.route("b", p.spare),
    "an endpoint is renamed": lambda p: rename(p, p.spare, "Renamed"),
    "an endpoint gets another use": lambda p: EmailAddressFactory(domain=DomainFactory(owner=p.user), endpoint=p.crm),
    "an endpoint goes": lambda p: delete_endpoint(endpoint=p.spare),
    "an endpoint forwards to an address of it": lambda p: EndpointFactory(
        owner=p.user, type="email", config={"forwardTo": "a@example.com"}
    ),
    "an endpoint sends from an address of it": lambda p: EndpointFactory(
        owner=p.user, type="email_group", config={"emails": ["x@example.org"], "fromAddress": "a@example.com"}
    ),
    "an address goes": lambda p: p.address("b").delete(),
    "an address is added that is switched off": lambda p: EmailAddressFactory(
        domain=p.domain, address="off@example.com", is_active=False
    ),
    "another one is in its place": lambda p: (
        p.address("off").delete(),
        EmailAddressFactory(domain=p.domain, address="precious@example.com", is_active=False),
    ),
    "an address is blocked": lambda p: BlockedEmailFactory(domain=p.domain),
    "the catch-all is switched on": lambda p: switch(p, p.crm),
    "the catch-all is switched off": lambda p: switch(p, None),
    "a domain below is added": lambda p: DomainFactory(owner=p.user, name="sub.example.com"),
    "a domain below goes": lambda p: Domain.objects.get(name="sub.example.com").delete(),
    "a DNS record is to be published": lambda p: DnsRecordFactory(domain=p.domain, record_type="TXT", name="x.org"),
    "a DNS record has another value": lambda p: p.domain.dns_records.filter(record_type="TXT").update(value="other"),
    "a DNS record is withdrawn": lambda p: p.dns.publish("example.com", "MX", "20 mx.example.org"),
    "a DNS record is published": lambda p: p.dns.publish("example.com", "MX", MX, "20 mx.example.org"),
    "DNS fails": lambda p: p.dns.answers("example.com", "SERVFAIL"),
    "mail is to be kept": lambda p: setattr(p.settings, "KEEP_MAIL_ON_DOMAIN_DELETE", True),
    "SES may be called less often": lambda p: setattr(p.settings, "SES_CALLS_PER_SECOND", 10.0),
    "the identity turns out to be somebody's": lambda p: LedgerIdentity.objects.update(ours=False),
    "it is not known whose the identity is": lambda p: LedgerIdentity.objects.update(ours=None),
    "SES has not confirmed the rule": lambda p: LedgerEntry.objects.filter(kind="rule").update(presence="unknown"),
    "a call gets no answer": lambda p: p.outcome(until=timezone.now() + timedelta(hours=1)),
    "the call can no longer be applied": lambda p: InFlightCall.objects.update(
        until=timezone.now() - timedelta(seconds=1)
    ),
    "something is left in another rule set": lambda p: LedgerEntry.objects.create(
        domain="example.com", kind="rule", name="r", region="eu-west-1", rule_set="previous", changed_at=timezone.now()
    ),
}

# Not in rows or ledger. Everything else is checked again under the lock.
OUTSIDE = {what for what in SHOWN if what.startswith(("DNS", "mail"))} | {
    "a DNS record has another value", "a DNS record is withdrawn", "a DNS record is published",
}  # fmt: skip

# Mail arrives by itself, so the plan shows how much there is, but a token outlives it.
MAIL = {
    "a mail is stored": lambda p: store_mail(f"{p.domain.key_prefix}mail-2"),
    "a mail is listed": lambda p: ReceivedEmailFactory(message=MessageFactory(domain=p.domain)),
    "a mail is deleted": delete_mail,
    "S3 cannot be looked at": lambda p: p.ses.add_faults({"service": "s3", "fault": "access_denied", "times": None}),
}

NOT_SHOWN = {
    "nothing": lambda p: None,
    "an endpoint's configuration": lambda p: update_endpoint(endpoint=p.crm, config={"url": "https://other.example/"}),
    "an endpoint that nothing is routed to": lambda p: rename(p, p.spare, "Renamed"),
    "an endpoint that forwards elsewhere": lambda p: EndpointFactory(
        owner=p.user, type="email", config={"forwardTo": "a@example.org"}
    ),
    "an endpoint of somebody else that forwards to it": lambda p: EndpointFactory(
        type="email", config={"forwardTo": "a@example.com"}
    ),
    "an endpoint of somebody else": lambda p: EndpointFactory(owner=UserFactory()),
    "another domain of the owner": lambda p: DomainFactory(owner=p.user, name="example.org"),
    "a domain with a similar name": lambda p: DomainFactory(owner=p.user, name="anexample.com"),
    "a domain below, of somebody else": lambda p: DomainFactory(name="sub.example.com"),
    "the domain's checks": lambda p: Domain.objects.update(last_dns_check=timezone.now(), has_mx_records=True),
    "an address that was touched": lambda p: p.address("a").save(),
    "why an address is blocked": lambda p: p.domain.blocked_emails.update(reason="spam"),
    "mail of another incarnation": lambda p: store_mail("emails/example.com/indm_before/mail"),
    "the order of DNS's answers": lambda p: p.dns.publish("example.com", "MX", "20 mx.example.org", MX),
    "what nobody was told to publish": lambda p: p.dns.publish("example.com", "TXT", "google-site-verification=1"),
    "when SES has confirmed it": lambda p: LedgerEntry.objects.update(changed_at=timezone.now() + timedelta(hours=1)),
    "what SES tells of the identity": lambda p: LedgerIdentity.objects.update(status="Failed"),
} | MAIL


def refused(planned, token):
    with pytest.raises(PlanOutdated):
        delete_domain(domain=planned.domain, requested_by="me", plan_token=token)
    return True


def test_a_token_is_refused_after_each_visible_change(planned, subtests):
    for what, change in SHOWN.items():
        with subtests.test(what):
            token = str(plan_of(fresh(planned)).token)
            change(planned)
            planned.ses.clear_journal()
            assert refused(planned, token)
            if what in OUTSIDE:
                check_token(fresh(planned), token)
            else:
                with pytest.raises(PlanOutdated):
                    check_token(fresh(planned), token)
            assert calls(planned.ses) == []
    assert not DomainDeletion.objects.filter(domain_id=planned.domain.pk).exists()
    assert Domain.objects.live().filter(pk=planned.domain.pk).exists()


def fresh(planned):
    return Domain.objects.get(pk=planned.domain.pk)


def test_a_token_is_accepted_after_each_invisible_change(planned, subtests):
    BlockedEmailFactory(domain=planned.domain)
    token = str(plan_of(fresh(planned)).token)
    for what, change in NOT_SHOWN.items():
        with subtests.test(what):
            change(planned)
            assert str(plan_of(fresh(planned)).token) == token
            check_token(fresh(planned), token)
    assert delete_domain(domain=planned.domain, requested_by="me", plan_token=token).plan_token == token
    assert not Domain.objects.filter(pk=planned.domain.pk).exists()


@pytest.mark.postgresql
def test_an_address_added_between_the_check_and_the_lock_is_noticed(planned):
    """The deletion finds the plan unchanged, waits for the lock that the addition holds, and then notices the address."""
    token = str(plan_of(planned.domain).token)

    def delete():
        try:
            return refused(planned, token)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            Domain.objects.select_for_update().get(pk=planned.domain.pk)
            EmailAddressFactory(domain=planned.domain, address="b@example.com")
            deleting = threads.submit(delete)
            wait_for(a_transaction_waits_for_a_lock, within=60, what="the deletion had looked and waited")
        assert deleting.result()
    assert Domain.objects.live().get(pk=planned.domain.pk).email_addresses.count() == 2
    assert not DomainDeletion.objects.filter(domain_id=planned.domain.pk).exists()


def test_the_check_takes_a_constant_number_of_statements(planned):
    statements = []
    for count in (1, 20):
        bulk = [
            EmailAddress(domain=planned.domain, address=f"{count}-{n}@example.com", slot=100 * count + n)
            for n in range(count)
        ]
        EmailAddress.objects.bulk_create(bulk)
        token = str(plan_of(planned.domain).token)
        domain = Domain.objects.select_related("owner").get(pk=planned.domain.pk)
        with CaptureQueriesContext(connection) as captured:
            check_token(domain, token)
        statements.append(len(captured))
    assert statements[0] == statements[1] <= 13


# The token itself.


@dataclass(frozen=True)
class Part:
    text: str
    numbers: tuple[int, ...]


PARTS = st.builds(Part, st.text(), st.lists(st.integers()).map(tuple))
SUBJECTS = st.builds(Subject, st.sampled_from(["domain", "address"]), st.text(), st.integers())


@given(SUBJECTS, PARTS, PARTS)
def test_a_token_survives_a_round_trip_and_knows_its_subject(subject, database, outside):
    token = PlanToken.of(subject, database, outside)
    assert PlanToken.read(str(token)) == token == PlanToken.of(subject, database, outside)
    assert token.is_of(subject)
    assert len(str(token)) < 100


@given(SUBJECTS, SUBJECTS, PARTS, PARTS, PARTS)
def test_tokens_are_equal_only_for_equal_plans(subject, other, database, outside, changed):
    token = PlanToken.of(subject, database, outside)
    assert (PlanToken.of(subject, changed, outside) == token) is (changed == database)
    assert (PlanToken.of(subject, database, changed) == token) is (changed == outside)
    assert token.is_of(other) is (other == subject)
    assert PlanToken.of(other, database, outside).database != token.database or other == subject


def test_a_token_of_another_installation_is_not_accepted(settings):
    subject, part = Subject("domain", "indm_1", 1), Part("a", ())
    token = PlanToken.of(subject, part, part)
    settings.SECRET_KEY = "another"
    assert not token.is_of(subject)
    assert PlanToken.of(subject, part, part) != token


@given(st.text())
def test_text_that_is_not_a_token_is_refused(text):
    with pytest.raises(ValueError):
        PlanToken.read(text)
