"""Domains, their DNS records and their deletions in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from addresses.models import EmailAddress
from domains.deletion.proof import prove_deletions
from domains.deletion.service import delete_domain, resume_deletions
from domains.lifecycle.register import add_domain
from domains.models import Domain, DomainDeletion
from inbound.tests.admin_site import (
    assert_constant_statements,
    confirm,
    delete_selected,
    open_links,
    post,
    run_action,
    staff,
    text,
    url,
)
from inbound.tests.aws import (
    calls,
    create_foreign_identity,
    fail_calls,
    identities,
    recover_and_run_worker,
    rules,
    store_mail,
)
from inbound.tests.factories import (
    BlockedEmailFactory,
    DnsRecordFactory,
    DomainFactory,
    EmailAddressFactory,
    EndpointFactory,
)
from ses_integration.aws import clients

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
        f"{url('domains.domaindeletion', 'changelist')}?state=owed",
        ADD,
        page(domain),
        url("domains.domain", "history", domain.pk),
        url("domains.dnsrecord", "change", record.pk),
        url("domains.domaindeletion", "change", deleted.pk),
    ):
        assert admin_client.get(path).status_code == 200, path


def test_every_link_to_a_neighbour_opens(ses, user, admin_client: Client):
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


def test_lists_cost_the_same_however_long_they_are(ses, user, admin_client: Client, settings):
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


def test_a_name_that_is_none_or_taken_is_an_error_on_the_form(ses, user, admin_client: Client):
    other = EndpointFactory().owner
    DomainFactory(name="example.com", owner=user)
    for name, owner, sentence in (
        ("co.uk", user, "This is not the name of a domain that one can own."),
        ("example.com", user, "has already added it."),
        ("mail.example.com", other, "This domain, its parent or its child belongs to another user."),
    ):
        response = admin_client.post(ADD, {"name": name, "owner": owner.pk})
        assert response.status_code == 200
        assert sentence in text(response)
    assert Domain.objects.count() == 1
    assert not LogEntry.objects.exists()


def test_a_domain_whose_rows_are_still_going_can_be_added_again(ses, user, admin_client: Client):
    old = DomainFactory(name="example.com", owner=user, deleting_since=timezone.now())
    response, _ = post(admin_client, ADD, name="example.com", owner=user.pk)
    assert response.status_code == 302
    assert Domain.objects.get().pk != old.pk


def test_ses_being_down_is_told_when_a_domain_is_added(ses, user, admin_client: Client, settings):
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
    assert "inbound-example.com-catchall-rule" in text(admin_client.get(page(domain)))
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


def test_a_domain_that_is_being_deleted_is_shown_as_such_and_cannot_be_edited(ses, admin_client: Client):
    domain = DomainFactory(deleting_since=timezone.now())
    assert "being deleted since" in text(admin_client.get(DOMAINS))
    assert 'name="_save"' not in text(admin_client.get(page(domain)))
    assert admin_client.post(page(domain), {}).status_code == 403


def test_the_page_that_asks_says_what_will_go(ses, user, admin_client: Client, settings):
    domain = add_domain(owner=user, name="example.com").domain
    EmailAddressFactory(domain=domain, address="a@example.com")
    BlockedEmailFactory(domain=domain)
    create_foreign_identity("example.org")
    kept = add_domain(owner=user, name="example.org").domain
    endpoint = EndpointFactory(owner=user, name="Main hook")
    Domain.objects.filter(pk=kept.pk).update(is_catch_all_enabled=True, catch_all_endpoint=endpoint)
    asked = text(admin_client.get(deletion(domain)))
    assert "1 blocked email, 1 email address, 9 DNS records" in asked
    assert "Receipt rule inbound-example.com-rule is deleted: a@example.com." in asked
    assert "SES identity: It was created by this installation, so it is deleted." in asked
    assert f"s3://inbound-mail/{domain.key_prefix} is erased, with every version: 0 objects" in asked
    asked = text(admin_client.get(deletion(kept)))
    assert "0 blocked emails, 0 email addresses, 9 DNS records" in asked
    assert "SES identity: It was not created by this installation, so it is kept." in asked
    assert "Endpoint Main hook: it receives the catch-all's mail, and no other mail." in asked
    settings.KEEP_MAIL_ON_DOMAIN_DELETE = True
    asked = text(admin_client.get(deletion(kept)))
    assert f"s3://inbound-mail/{kept.key_prefix} is kept, because KEEP_MAIL_ON_DOMAIN_DELETE is on" in asked
    assert Domain.objects.live().count() == 2


def test_the_page_for_many_domains_counts_the_rows_of_each_and_links_to_its_plan(ses, user, admin_client: Client):
    domain, deleting = DomainFactory(owner=user), DomainFactory(owner=user, deleting_since=timezone.now())
    EmailAddressFactory.create_batch(2, domain=domain)
    BlockedEmailFactory(domain=domain)
    DnsRecordFactory.create_batch(3, domain=domain)
    ses.clear_journal()
    bulk = {"action": "delete_selected", "_selected_action": [domain.pk, deleting.pk], "index": "0"}
    response = admin_client.post(DOMAINS, bulk)
    first, second = sorted(response.context["items"], key=lambda item: item.pk != domain.pk)
    assert first.lines == ["1 blocked email, 2 email addresses, 3 DNS records"]
    assert second.lines == [
        "The deletion of this domain has begun; confirming continues it.",
        "0 blocked emails, 0 email addresses, 0 DNS records",
    ]
    for row, item in ((domain, first), (deleting, second)):
        assert item.plan_link == f'<a href="{deletion(row)}">Deletion plan</a>'
        assert f"<li>{item.lines[0]}</li>" in text(response)
        assert item.plan_link in text(response)
        assert admin_client.get(deletion(row)).status_code == 200
    assert calls(ses) == []


def test_the_page_for_many_domains_costs_the_same_however_many_they_are(ses, user, admin_client: Client):
    def cost(count: int) -> int:
        chosen = [DomainFactory(owner=user).pk for _ in range(count)]
        bulk = {"action": "delete_selected", "_selected_action": chosen, "index": "0"}
        with CaptureQueriesContext(connection) as captured:
            assert admin_client.post(DOMAINS, bulk).status_code == 200
        return len(captured)

    assert cost(3) == cost(10)


def test_a_domain_is_deleted_through_the_service(ses, user, admin_client: Client):
    domain = add_domain(owner=user, name="example.com").domain
    EmailAddressFactory(domain=domain)
    ses.clear_journal()
    response, messages = confirm(admin_client, deletion(domain))
    assert (response.status_code, response["Location"]) == (302, DOMAINS)
    assert calls(ses) == ["DeleteReceiptRule", "DeleteEmailIdentity"]
    record = DomainDeletion.objects.get()
    assert (record.requested_by, record.email_addresses, record.dns_records) == ("admin", 1, 9)
    assert record.finished_at is not None
    [(level, sentence)] = messages
    assert level == "success"
    went = "Deleted: example.com. This also deleted 0 blocked emails, 1 email address, 9 DNS records."
    assert sentence.startswith(went)
    assert url("domains.domaindeletion", "change", record.pk) in sentence
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.object_repr, entry.is_deletion()) == (domain.pk, "example.com", True)


def test_many_domains_are_deleted_at_once_with_an_outcome_for_each(ses, user, admin_client: Client):
    create_foreign_identity("kept.example.com")
    for name in ("a.example.com", "b.example.com", "kept.example.com"):
        EmailAddressFactory(domain=add_domain(owner=user, name=name).domain)
    chosen = list(Domain.objects.order_by("name"))
    asked = admin_client.post(
        DOMAINS, {"action": "delete_selected", "_selected_action": [domain.pk for domain in chosen], "index": "0"}
    )
    assert "Delete 3 domains?" in text(asked)
    assert Domain.objects.count() == 3
    _, messages = delete_selected(admin_client, "domains.domain", chosen)
    assert not Domain.objects.exists()
    assert rules(ses) == {}
    assert identities(ses) == {"kept.example.com"}
    assert [level for level, _ in messages] == ["warning", "success", "success"]
    assert messages[0][1].startswith("Deleted: kept.example.com.")
    assert "so it is kept" in messages[0][1]


def test_with_ses_down_the_rows_go_and_the_outcome_warns(ses, user, admin_client: Client, settings):
    domain = add_domain(owner=user, name="example.com").domain
    EmailAddressFactory(domain=domain)
    settings.SES_REQUEST_BUDGET = 0.3
    fail_calls(ses)
    response, messages = confirm(admin_client, deletion(domain))
    assert response.status_code == 302
    [(level, sentence)] = messages
    assert level == "warning"
    assert "SES clean-up is not finished." in sentence
    assert not Domain.objects.exists()
    assert not EmailAddress.objects.exists()
    record = DomainDeletion.objects.get()
    assert "is recorded" in text(admin_client.get(url("domains.domaindeletion", "change", record.pk)))
    recover_and_run_worker(ses)
    assert (rules(ses), identities(ses)) == ({}, set())


def test_a_deletion_is_shown_with_its_proof(domain, ses, admin_client: Client):
    EmailAddressFactory(domain=domain, address="a@example.com")
    DnsRecordFactory(domain=domain, name="_amazonses.example.com", value="<token>")
    DnsRecordFactory(domain=domain, name="_dmarc.example.com", value="v=DMARC1; p=none")
    domain.delete()
    resume_deletions()
    record = DomainDeletion.objects.get()
    path = url("domains.domaindeletion", "change", record.pk)
    assert "not looked yet" in text(admin_client.get(path))
    clients.ses("eu-west-1").create_receipt_rule(
        RuleSetName="inbound-email-rules", Rule={"Name": "theirs", "Enabled": True, "Recipients": ["example.com"]}
    )
    prove_deletions()
    shown = text(admin_client.get(path))
    assert "nothing of ours; rules of others that take mail for example.com: theirs" in shown
    assert "inbound-example.com-rule" in shown
    assert "_amazonses.example.com TXT <token>" in shown
    assert "_dmarc" not in shown
    assert f"s3://inbound-mail/{record.key_prefix}" in shown


def test_a_deletion_that_stopped_half_way_goes_on(ses, user, admin_client: Client):
    domain = add_domain(owner=user, name="example.com").domain
    DomainDeletion.objects.create(domain_id=domain.pk, name=domain.name, owner=user)
    Domain.objects.update(deleting_since=timezone.now())
    _, messages = post(admin_client, deletion(domain), post="yes")
    assert not Domain.objects.exists()
    assert messages[0][1].startswith("Deleted: example.com.")


def test_a_domain_that_vanished_meanwhile_is_said_to_be_gone(ses, user, admin_client: Client):
    domain, other = DomainFactory(owner=user), DomainFactory(owner=user)
    domain_pk = domain.pk
    delete_domain(domain=domain, requested_by="somebody else")
    for response, messages in (
        post(admin_client, url("domains.domain", "delete", domain_pk), post="yes"),
        post(admin_client, url("domains.domain", "change", domain_pk), is_catch_all_enabled="on"),
    ):
        assert response.status_code == 302
        assert messages[0][0] in ("error", "warning")
    _, messages = delete_selected(admin_client, "domains.domain", [domain, other])
    assert ("warning", "1 domain had already been deleted.") in messages
    assert not Domain.objects.exists()


def test_nothing_is_deleted_by_looking_or_without_the_permission(ses, user, client: Client):
    domain = add_domain(owner=user, name="example.com").domain
    staff(client, "domains.view_domain", "domains.change_domain")
    assert client.get(page(domain)).status_code == 200
    for response in (client.get(deletion(domain)), client.post(deletion(domain), {"post": "yes"}), client.get(ADD)):
        assert response.status_code == 403
    delete_selected(client, "domains.domain", [domain])
    staff(client, "domains.view_domain", "domains.delete_domain")
    assert client.get(deletion(domain)).status_code == 200
    assert client.post(page(domain), {}).status_code == 403
    strict = Client(enforce_csrf_checks=True)
    staff(strict, "domains.delete_domain", "domains.add_domain")
    assert strict.post(deletion(domain), {"post": "yes"}).status_code == 403
    assert strict.post(ADD, {"name": "example.org", "owner": user.pk}).status_code == 403
    assert Domain.objects.live().count() == 1


def test_pushing_converges_and_tells_the_outcome(ses, user, admin_client: Client, settings):
    settings.SES_REQUEST_BUDGET = 0
    chosen = [DomainFactory(owner=user), DomainFactory(owner=user)]
    settings.SES_REQUEST_BUDGET = 0.3
    fail_calls(ses)
    _, messages = run_action(admin_client, "domains.domain", "push_to_ses", chosen)
    assert messages[0][0] == "warning"
    assert messages[0][1].startswith("2 domains are not in line yet.")
    ses.clear_faults()
    settings.SES_REQUEST_BUDGET = 5
    assert run_action(admin_client, "domains.domain", "push_to_ses", chosen)[1] == [
        ("success", "SES is in line with 2 domains.")
    ]
    assert identities(ses) == {domain.name for domain in chosen}


def test_records_of_the_machine_cannot_be_posted(ses, user, admin_client: Client):
    record = add_domain(owner=user, name="example.com").domain.dns_records.all()[0]
    deleted = delete_domain(domain=add_domain(owner=user, name="example.org").domain, requested_by="me")
    rows: dict[str, Any] = {"domains.dnsrecord": record, "domains.domaindeletion": deleted}
    for model, row in rows.items():
        for path in (url(model, "add"), url(model, "change", row.pk), url(model, "delete", row.pk)):
            assert admin_client.post(path, {"post": "yes"}).status_code == 403, path
        delete_selected(admin_client, model, [row])
        assert type(row).objects.filter(pk=row.pk).exists()


def test_what_a_deletion_owes_can_be_gone_on_with(ses, user, admin_client: Client, settings):
    domain = add_domain(owner=user, name="example.com").domain
    settings.SES_REQUEST_BUDGET = 0
    record = delete_domain(domain=domain, requested_by="me")
    settings.SES_REQUEST_BUDGET = 5
    _, messages = run_action(admin_client, "domains.domaindeletion", "go_on", [record])
    assert messages == [("success", "1 finished.")]
    record.refresh_from_db()
    assert record.finished_at is not None
    _, messages = run_action(admin_client, "domains.domaindeletion", "go_on", [record])
    assert messages == [("info", "They owe nothing.")]


def test_a_deletion_that_aws_keeps_is_tried_before_its_turn(ses, user, admin_client: Client, settings):
    domain = add_domain(owner=user, name="example.com").domain
    store_mail(f"{domain.key_prefix}mail")
    settings.SES_REQUEST_BUDGET = 0
    record = delete_domain(domain=domain, requested_by="me")
    settings.SES_REQUEST_BUDGET = 5
    ses.add_faults(
        {"service": "sesv2", "action": "DeleteEmailIdentity", "fault": "access_denied"},
        {"service": "s3", "action": "ListObjectVersions", "fault": "access_denied", "times": 2},
    )
    denied = "AWS does not allow this call; the credentials lack a permission."
    _, [(level, first)] = run_action(admin_client, "domains.domaindeletion", "go_on", [record])
    assert level == "warning"
    assert first.startswith("example.com: Still owed: identity, stored mail. ")
    assert denied in first
    _, [(level, second)] = run_action(admin_client, "domains.domaindeletion", "go_on", [record])
    assert level == "warning"
    assert second.startswith("example.com: Done now: identity. Still owed: stored mail. ")
    assert f"{denied} Next try " in second
    _, messages = run_action(admin_client, "domains.domaindeletion", "go_on", [record])
    assert messages == [("success", "1 finished.")]
