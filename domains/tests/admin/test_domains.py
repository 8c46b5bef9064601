"""Domains in the admin: lists, links, adding and changing."""

from __future__ import annotations

from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from domains.deletion.service import delete_domain
from domains.lifecycle.register import add_domain
from domains.models import Domain
from inbound.tests.support.admin_site import assert_constant_statements, open_links, post, run_action, text, url
from inbound.tests.support.aws import calls, fail_calls, identities, rules
from inbound.tests.support.factories import DnsRecordFactory, DomainFactory, EmailAddressFactory, EndpointFactory

DOMAINS = url("domains.domain", "changelist")
ADD = url("domains.domain", "add")


def page(domain: Domain) -> str:
    return url("domains.domain", "change", domain.pk)


def deletion(domain: Domain) -> str:
    return url("domains.domain", "delete", domain.pk)


def test_every_page_opens(ses, user, admin_client: Client):
    domain = add_domain(owner=user, name="example.com").domain
    record = domain.dns_records.all()[0]
    deleted = delete_domain(domain=add_domain(owner=user, name="example.org").domain, requested_by="me")
    for path in (
        *(url(f"domains.{model}", "changelist") for model in ("domain", "dnsrecord", "domaindeletion")),
        f"{DOMAINS}?q=example&status__exact=verified&deleting=no",
        f"{url('domains.domaindeletion', 'changelist')}?state=pending",
        ADD,
        page(domain),
        url("domains.domain", "history", domain.pk),
        url("domains.dnsrecord", "change", record.pk),
        url("domains.domaindeletion", "change", deleted.pk),
    ):
        assert admin_client.get(path, follow=True).status_code == 200, path


def test_every_link_to_a_related_page_opens(ses, user, admin_client: Client):
    endpoint = EndpointFactory(owner=user)
    domain = DomainFactory(owner=user, is_catch_all_enabled=True, catch_all_endpoint=endpoint)
    deleted = delete_domain(domain=DomainFactory(owner=user), requested_by="me")
    for path in (DOMAINS, page(domain), deletion(domain), url("domains.domaindeletion", "change", deleted.pk)):
        assert open_links(admin_client, path)
    links = open_links(admin_client, page(domain))
    lists = (("addresses", "emailaddress"), ("addresses", "blockedemail"), ("domains", "dnsrecord"))
    assert {f"/admin/{app}/{model}/?domain__id__exact={domain.pk}" for app, model in lists} <= links
    assert f"/admin/ses_integration/ledgerentry/?domain={domain.name}" in links
    assert {url("endpoints.endpoint", "change", endpoint.pk), url("auth.user", "change", user.pk)} <= links


def test_lists_take_a_constant_number_of_statements(ses, user, admin_client: Client, settings):
    settings.SES_REQUEST_BUDGET = 0

    def domain():
        row = DomainFactory(owner=user, is_catch_all_enabled=True, catch_all_endpoint=EndpointFactory(owner=user))
        EmailAddressFactory(domain=row)
        DnsRecordFactory(domain=row)

    assert_constant_statements(admin_client, DOMAINS, domain)
    assert_constant_statements(admin_client, url("domains.dnsrecord", "changelist"), domain)
    assert_constant_statements(
        admin_client,
        url("domains.domaindeletion", "changelist"),
        lambda: delete_domain(domain=DomainFactory(), requested_by="me"),
    )


def test_a_domain_is_added_through_the_service(ses, user, admin_client: Client):
    response, messages = post(admin_client, ADD, name="Example.COM.", owner=user.pk)
    domain = Domain.objects.get()
    assert response.status_code == 302
    assert (domain.name, domain.owner, domain.status) == ("example.com", user, "verified")
    assert domain.dns_records.count() == 9
    assert calls(ses)[0] == "CreateEmailIdentity"
    assert identities(ses) == {"example.com"}
    assert [level for level, _ in messages] == ["success"]
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.object_repr, entry.is_addition()) == (domain.pk, "example.com", True)


def test_an_invalid_or_taken_name_is_an_error_on_the_form(ses, user, admin_client: Client):
    other = EndpointFactory().owner
    DomainFactory(name="example.com", owner=user)
    for name, owner, sentence in (
        ("co_uk", user, "This is not a domain name, such as example.com."),
        ("co.uk", user, "co.uk is a public suffix"),
        ("example.com", user, "has already added it."),
        ("example.com", other, "This domain belongs to another user."),
    ):
        response = admin_client.post(ADD, {"name": name, "owner": owner.pk})
        assert response.status_code == 200
        assert sentence in text(response)
    assert Domain.objects.count() == 1
    assert not LogEntry.objects.exists()


def test_a_domain_that_is_still_being_deleted_can_be_added_again(ses, user, admin_client: Client):
    old = DomainFactory(name="example.com", owner=user, deleting_since=timezone.now())
    response, _ = post(admin_client, ADD, name="example.com", owner=user.pk)
    assert response.status_code == 302
    assert Domain.objects.get().pk != old.pk


def test_a_warning_is_shown_if_ses_is_down_when_a_domain_is_added(ses, user, admin_client: Client, settings):
    settings.SES_REQUEST_BUDGET = 0.3
    fail_calls(ses)
    response, messages = post(admin_client, ADD, name="example.com", owner=user.pk)
    assert response.status_code == 302
    assert messages[0][0] == "warning"
    assert "SES has not created the identity yet." in messages[0][1]
    assert "pending: " in text(admin_client.get(DOMAINS))


def test_catch_all_is_switched_through_the_service(ses, user, admin_client: Client):
    domain = add_domain(owner=user, name="example.com").domain
    endpoint = EndpointFactory(owner=user)
    response, messages = post(admin_client, page(domain), is_catch_all_enabled="on", catch_all_endpoint=endpoint.pk)
    assert response.status_code == 302
    assert [level for level, _ in messages] == ["success"]
    assert rules(ses) == {"inbound-example.com-catchall-rule": {"example.com"}}
    assert "inbound-example.com-catchall-rule" in text(admin_client.get(f"{page(domain)}?tab=ses"))
    post(admin_client, page(domain), catch_all_endpoint=endpoint.pk)
    domain.refresh_from_db()
    assert (rules(ses), domain.catch_all_endpoint) == ({}, None)


def test_catch_all_needs_a_verified_domain_and_an_active_endpoint_of_its_owner(ses, user, admin_client: Client):
    domain = DomainFactory(owner=user, name="example.com")
    for pk, sentence in (
        ("", "Catch-all needs an endpoint."),
        (EndpointFactory().pk, "Select a valid choice."),
        (EndpointFactory(owner=user, is_active=False).pk, "Select a valid choice."),
    ):
        response = admin_client.post(page(domain), {"is_catch_all_enabled": "on", "catch_all_endpoint": pk})
        assert sentence in text(response)
    Domain.objects.update(status="pending")
    values = {"is_catch_all_enabled": "on", "catch_all_endpoint": EndpointFactory(owner=user).pk}
    assert "The domain must be verified" in text(admin_client.post(page(domain), values))
    assert not Domain.objects.filter(is_catch_all_enabled=True).exists()


def test_name_and_owner_cannot_be_changed(ses, user, admin_client: Client):
    domain = add_domain(owner=user, name="example.com").domain
    post(admin_client, page(domain), name="example.org", owner=EndpointFactory().owner.pk, status="failed")
    domain.refresh_from_db()
    assert (domain.name, domain.owner, domain.status) == ("example.com", user, "verified")


def test_a_domain_that_is_being_deleted_is_marked_and_cannot_be_edited(ses, admin_client: Client):
    domain = DomainFactory(deleting_since=timezone.now())
    assert "being deleted since" in text(admin_client.get(DOMAINS))
    assert 'name="_save"' not in text(admin_client.get(page(domain)))
    assert admin_client.post(page(domain), {}).status_code == 403


def test_pushing_reconciles_and_shows_the_outcome(ses, user, admin_client: Client, settings):
    settings.SES_REQUEST_BUDGET = 0
    chosen = [DomainFactory(owner=user), DomainFactory(owner=user)]
    settings.SES_REQUEST_BUDGET = 0.3
    fail_calls(ses)
    _, messages = run_action(admin_client, "domains.domain", "push_to_ses", chosen)
    assert messages[0][0] == "warning"
    assert messages[0][1].startswith("Not up to date yet: 2 domains.")
    ses.clear_faults()
    settings.SES_REQUEST_BUDGET = 60
    assert run_action(admin_client, "domains.domain", "push_to_ses", chosen)[1] == [
        ("success", "SES is up to date with 2 domains.")
    ]
    assert identities(ses) == {domain.name for domain in chosen}
