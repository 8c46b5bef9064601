"""Every list, empty and with rows, and the desk's other pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import boto3
import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.utils import timezone

from backoffice.links import registered
from desk.models import CapacitySample
from domains.models import DomainDeletion
from inbound.models import issue_key
from inbound.tests.browser.looking import Operator
from inbound.tests.support.factories import (
    BlockedEmailFactory,
    DeliveryFactory,
    DnsRecordFactory,
    DomainFactory,
    EmailAddressFactory,
    EndpointFactory,
    ReceivedEmailFactory,
    WorkerFactory,
)
from ses_integration.watch.sweeper import SesSweeper

OFTEN = [
    "mail.receivedemail", "mail.delivery", "domains.domain", "addresses.emailaddress", "addresses.blockedemail",
    "endpoints.endpoint", "domains.domaindeletion", "inbound.apikey", "auth.user", "ses_integration.domainsync",
    "ses_integration.ledgerentry", "workers.worker", "domains.dnsrecord", "audit.change",
]  # fmt: skip
LISTS = [model for model in OFTEN if registered(admin.site, model)]
PAGES = ["internals", "drift", "capacity"]


@pytest.fixture
def rows(ses, admin_user: User) -> None:
    """A few of everything, with long names."""
    for name in ("shop.example", f"{'long-' * 10}name.a-rather-long-domain.example"):
        domain = DomainFactory(name=name, owner=admin_user)
        address = EmailAddressFactory(domain=domain, address=f"a.very.long.name.of.an.address@{name}"[:254])
        BlockedEmailFactory(domain=domain)
        DnsRecordFactory(domain=domain, value="v" * 120)
        endpoint = EndpointFactory(owner=admin_user, name=f"Webhook of {name}")
        received = ReceivedEmailFactory(domain=domain, recipient=address.address)
        DeliveryFactory(received=received, endpoint=endpoint, problem="The server answered 500: Internal Server Error")
    issue_key(owner=admin_user, name="continuous integration")
    WorkerFactory()
    DomainDeletion.objects.create(owner=admin_user, name="gone.example", domain_id="gone", requested_by="admin")
    rule: Any = {"Name": "legacy", "Enabled": True, "Recipients": ["shop.example"], "Actions": []}
    boto3.client("ses", region_name="eu-west-1").create_receipt_rule(RuleSetName="inbound-email-rules", Rule=rule)
    SesSweeper(3600.0).sweep()
    today = timezone.now().date()
    for age in range(20):
        CapacitySample.objects.create(
            region="eu-west-1",
            rule_set="inbound-email-rules",
            day=today - timedelta(days=age),
            rules=90 - 4 * age,
            identities=400,
        )


@pytest.mark.parametrize("model", LISTS)
def test_a_list_is_whole(operator: Operator, rows: None, model: str) -> None:
    operator.open(f"/admin/{model.replace('.', '/')}/")
    operator.look(f"list {model}")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_desk_is_whole(operator: Operator, rows: None, name: str) -> None:
    operator.open(f"/admin/{name}/")
    operator.look(f"page {name}")


def test_an_empty_list_names_the_next_step(operator: Operator) -> None:
    without = [
        model._meta.label
        for model, one in admin.site._registry.items()
        if model._meta.label_lower in LISTS and not getattr(one, "when_empty", "")
    ]
    assert without == ["auth.User"], "there is always a user: the one who looks"
    operator.open("/admin/domains/domain/")
    operator.look("list empty")
