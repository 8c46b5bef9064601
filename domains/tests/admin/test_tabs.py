"""The tabs of a domain's page: each has an address, and shows what its title says."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from domains.deletion.service import delete_domain
from domains.lifecycle.register import add_domain
from domains.models import DnsRecord, Domain
from inbound.tests.support.admin_site import count_statements, open_links, post, staff, text, url
from inbound.tests.support.aws import keep_new_identities_pending
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory, EndpointFactory, UserFactory
from ses_integration.aws import clients
from ses_integration.watch.sweeper import SesSweeper
from workers.models import Worker, WorkerKind


def tab(domain: Domain, key: str) -> str:
    return f"{url('domains.domain', 'change', domain.pk)}?tab={key}"


@pytest.fixture
def domain(ses, user) -> Domain:
    return add_domain(owner=user, name="example.com").domain


def test_every_tab_and_every_link_on_it_opens(domain, admin_client: Client):
    EmailAddressFactory(domain=domain, endpoint=EndpointFactory(owner=domain.owner))
    shown = text(admin_client.get(tab(domain, "")))
    for key in ("addresses", "dns", "ses", "deletions", "changes"):
        assert tab(domain, key) in shown
        assert open_links(admin_client, tab(domain, key))


def test_an_unknown_tab_is_the_first_one(domain, admin_client: Client):
    assert 'name="is_catch_all_enabled"' in text(admin_client.get(tab(domain, "nonsense")))


def test_only_the_first_tab_can_be_saved(domain, admin_client: Client):
    for key in ("addresses", "dns", "ses", "deletions", "changes"):
        shown = text(admin_client.get(tab(domain, key)))
        assert 'name="_save"' not in shown
        assert 'name="is_catch_all_enabled"' not in shown
        before = Domain.objects.values().get()
        post(admin_client, tab(domain, key), is_catch_all_enabled="on")
        assert Domain.objects.values().get() == before


def test_addresses_are_listed_with_where_they_go(domain, admin_client: Client):
    endpoint = EndpointFactory(owner=domain.owner, name="Main hook")
    EmailAddressFactory(domain=domain, address="a@example.com", endpoint=endpoint)
    EmailAddressFactory(domain=domain, address="b@example.com", is_active=False)
    shown = text(admin_client.get(tab(domain, "addresses")))
    assert (
        shown.index("a@example.com") < shown.index("Main hook") < shown.index("b@example.com") < shown.index("nowhere")
    )
    assert "All 2 addresses" in shown
    assert "inbound-example.com-rule" in shown


def test_the_tab_without_addresses_names_the_next_step(domain, admin_client: Client):
    shown = text(admin_client.get(tab(domain, "addresses")))
    assert "No address yet, so only catch-all can receive." in shown
    [add] = [link for link in open_links(admin_client, tab(domain, "addresses")) if "emailaddress/add/" in link]
    assert 'value="@example.com"' in text(admin_client.get(add))


def test_records_have_buttons_that_copy_them(domain, admin_client: Client):
    shown = text(admin_client.get(tab(domain, "dns")))
    for row in DnsRecord.objects.all():
        assert f'data-copy="{row.value}"' in shown
    assert "Zone file" in shown


def test_the_zone_file_is_shown_when_it_is_asked_for(domain, dns, admin_client: Client):
    shown = text(admin_client.get(f"{tab(domain, 'dns')}&zone=1"))
    assert "$ORIGIN example.com." in shown
    assert 'data-copy="zone"' in shown


def test_the_tab_says_when_somebody_looks_again_and_if_nobody_does(ses, user, dns, admin_client: Client):
    keep_new_identities_pending(ses)
    domain = add_domain(owner=user, name="example.com").domain
    shown = text(admin_client.get(tab(domain, "dns")))
    assert "No ses_worker is running, so nobody looks for the records. Start one, or check now." in shown
    assert "data-live" in shown
    now = timezone.now()
    Worker.objects.create(kind=WorkerKind.SES, host="h", pid=1, version="1", started_at=now, last_round_at=now)
    Domain.objects.update(next_check=now + timedelta(seconds=90))
    assert "The worker looks again at 2" in text(admin_client.get(tab(domain, "dns")))
    Domain.objects.update(next_check=None)
    assert "The worker does not look any more." in text(admin_client.get(tab(domain, "dns")))


def test_a_new_domain_shows_the_records_to_publish(ses, user, admin_client: Client):
    response, messages = post(admin_client, url("domains.domain", "add"), name="example.org", owner=user.pk)
    assert response["Location"] == tab(Domain.objects.get(), "dns")
    assert messages == [("success", "Added: example.org. Publish these records, and SES will receive its mail.")]


def test_a_check_returns_to_its_tab(domain, admin_client: Client):
    response, _ = post(admin_client, url("domains.domain", "check", domain.pk), tab="dns")
    assert response["Location"] == tab(domain, "dns")


def test_changes_of_the_name_are_listed(domain, admin_client: Client):
    post(admin_client, url("domains.domain", "check", domain.pk))
    shown = text(admin_client.get(tab(domain, "changes")))
    assert "added" in shown
    assert url("audit.change", "changelist") in shown


def test_every_tab_says_which_rule_of_others_takes_the_mail(domain, admin_client: Client):
    EmailAddressFactory(domain=domain, address="a@example.com")
    clients.ses("eu-west-1").create_receipt_rule(
        RuleSetName="inbound-email-rules", Rule={"Name": "legacy", "Enabled": True, "Recipients": ["a@example.com"]}
    )
    SesSweeper(3600.0).sweep()
    for key in ("", "dns"):
        shown = text(admin_client.get(tab(domain, key)))
        assert '<p class="doubt severe">Rule legacy is not ours and takes mail of this domain' in shown
    other = DomainFactory(owner=domain.owner)
    assert "legacy" not in text(admin_client.get(tab(other, "")))


def test_earlier_deletions_of_the_name_are_listed(domain, user, admin_client: Client):
    assert "has never been deleted here" in text(admin_client.get(tab(domain, "deletions")))
    delete_domain(domain=domain, requested_by="somebody")
    again = add_domain(owner=user, name="example.com").domain
    shown = text(admin_client.get(tab(again, "deletions")))
    assert "somebody" in shown
    assert "finished" in shown


def test_without_permission_a_tab_says_so(domain, client: Client):
    staff(client, "domains.view_domain")
    EmailAddressFactory(domain=domain, address="secret@example.com")
    assert "You may not see addresses." in text(client.get(tab(domain, "addresses")))
    assert "You may not see deletions." in text(client.get(tab(domain, "deletions")))
    assert "You may not see the audit log." in text(client.get(tab(domain, "changes")))
    assert "secret@example.com" not in text(client.get(tab(domain, "addresses")))


@pytest.mark.parametrize("key", ["", "addresses", "dns", "ses", "deletions", "changes"])
def test_a_tab_takes_the_same_statements_for_more_rows(ses, settings, admin_client: Client, key):
    settings.SES_REQUEST_BUDGET = 0
    domain = DomainFactory(owner=UserFactory())

    def cost(addresses: int) -> int:
        endpoint = EndpointFactory(owner=domain.owner)
        EmailAddressFactory.create_batch(addresses, domain=domain, endpoint=endpoint)
        return count_statements(admin_client, tab(domain, key))

    cost(1)  # the first request also reads the content types
    assert cost(2) == cost(10)
