"""Deleting domains in the admin."""

from __future__ import annotations

from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from addresses.models import EmailAddress
from domains.deletion.service import delete_domain
from domains.lifecycle.register import add_domain
from domains.models import Domain, DomainDeletion
from inbound.tests.support.admin_site import asked_to_type, confirm, delete_selected, post, staff, text, url
from inbound.tests.support.aws import (
    calls,
    create_foreign_identity,
    fail_calls,
    identities,
    recover_and_run_worker,
    rules,
)
from inbound.tests.support.factories import (
    BlockedEmailFactory,
    DomainFactory,
    EmailAddressFactory,
    EndpointFactory,
)
from ses_integration.models import LedgerIdentity

DOMAINS = url("domains.domain", "changelist")
ADD = url("domains.domain", "add")


def page(domain: Domain) -> str:
    return url("domains.domain", "change", domain.pk)


def deletion(domain: Domain) -> str:
    return url("domains.domain", "delete", domain.pk)


def test_the_confirmation_page_shows_the_plan(ses, user, admin_client: Client, settings):
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
    # Without the two of a MAIL FROM domain, which the identity does not have.
    assert "0 blocked emails, 0 email addresses, 7 DNS records" in asked
    assert "SES identity: It was not created by this installation, so it is kept." in asked
    assert "Endpoint Main hook: it receives the mail of the catch-all, and no other mail." in asked
    settings.KEEP_MAIL_ON_DOMAIN_DELETE = True
    asked = text(admin_client.get(deletion(kept)))
    assert f"s3://inbound-mail/{kept.key_prefix} is kept, because KEEP_MAIL_ON_DOMAIN_DELETE is on" in asked
    assert Domain.objects.live().count() == 2


def test_the_page_for_many_domains_says_what_is_deleted_and_links_to_each_plan(
    ses, user, admin_client: Client, settings
):
    domain = add_domain(owner=user, name="example.com").domain
    create_foreign_identity("example.org")
    deleting = add_domain(owner=user, name="example.org").domain
    Domain.objects.filter(pk=deleting.pk).update(deleting_since=timezone.now())
    EmailAddressFactory.create_batch(2, domain=domain)
    BlockedEmailFactory(domain=domain)
    ses.clear_journal()
    bulk = {"action": "delete_selected", "_selected_action": [domain.pk, deleting.pk], "index": "0"}
    response = admin_client.post(DOMAINS, bulk)
    lines = {row.pk: lines for row, lines in response.context["items"]}
    assert lines[domain.pk] == [
        "1 blocked email, 2 email addresses, 9 DNS records",
        "Its SES receipt rules are deleted. SES identity: It was created by this installation, so it is deleted.",
        f"s3://inbound-mail/{domain.key_prefix} is erased, with every version.",
    ]
    assert lines[deleting.pk] == [
        "The deletion of this domain has begun; confirming continues it. 0 blocked emails, 0 email addresses, 7 DNS records",
        "Its SES receipt rules are deleted. SES identity: It was not created by this installation, so it is kept.",
        f"s3://inbound-mail/{deleting.key_prefix} is erased, with every version.",
    ]
    assert "2 domains: 1 blocked email, 2 email addresses, 16 DNS records" in text(response)
    assert asked_to_type(text(response)) == "delete 2 domains"
    for row in (domain, deleting):
        assert f'<a href="{deletion(row)}">Deletion plan</a>' in text(response)
        assert all(f"<td>{line}</td>" in text(response) for line in lines[row.pk])
        assert admin_client.get(deletion(row)).status_code == 200
    settings.KEEP_MAIL_ON_DOMAIN_DELETE = True
    asked = text(admin_client.post(DOMAINS, bulk))
    for row in (domain, deleting):
        kept = f"s3://inbound-mail/{row.key_prefix} is kept, because KEEP_MAIL_ON_DOMAIN_DELETE is on."
        assert f"<td>{kept}</td>" in asked
    assert "is erased" not in asked
    assert calls(ses) == []


def test_the_page_for_many_domains_says_if_the_owner_of_the_identity_is_unknown(ses, user, admin_client: Client):
    domain = add_domain(owner=user, name="example.com").domain
    bulk = {"action": "delete_selected", "_selected_action": [domain.pk], "index": "0"}
    LedgerIdentity.objects.update(ours=None)
    assert "SES identity: It is not known yet whether it is ours." in text(admin_client.post(DOMAINS, bulk))
    LedgerIdentity.objects.all().delete()
    assert "SES identity: None is known" in text(admin_client.post(DOMAINS, bulk))


def test_the_page_for_many_domains_takes_a_constant_number_of_statements(ses, user, admin_client: Client):
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
    record = DomainDeletion.objects.get()
    assert (response.status_code, response["Location"]) == (302, url("domains.domaindeletion", "change", record.pk))
    assert calls(ses) == ["DeleteReceiptRule", "DeleteEmailIdentity"]
    assert (record.requested_by, record.email_addresses, record.dns_records) == ("admin", 1, 9)
    assert record.finished_at is not None
    assert messages == []
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.object_repr, entry.is_deletion()) == (domain.pk, "example.com", True)


def test_many_domains_are_deleted_at_once_and_each_outcome_is_shown(ses, user, admin_client: Client):
    create_foreign_identity("kept.example.com")
    for name in ("a.example.com", "b.example.com", "kept.example.com"):
        EmailAddressFactory(domain=add_domain(owner=user, name=name).domain)
    chosen = list(Domain.objects.order_by("name"))
    asked = admin_client.post(
        DOMAINS, {"action": "delete_selected", "_selected_action": [domain.pk for domain in chosen], "index": "0"}
    )
    assert "Delete 3 domains?" in text(asked)
    assert Domain.objects.count() == 3
    response, messages = delete_selected(admin_client, "domains.domain", chosen)
    assert not Domain.objects.exists()
    assert rules(ses) == {}
    assert identities(ses) == {"kept.example.com"}
    assert messages == []
    [request_id] = DomainDeletion.objects.values_list("request_id", flat=True).distinct()
    assert response["Location"] == url("domains.domaindeletion", "results", request_id)
    shown = text(admin_client.get(response["Location"]))
    assert "3 domains: 3 finished, 0 pending, 0 verified" in shown
    assert '<span class="state kept">Kept</span>' in shown


def test_many_domains_are_deleted_only_if_their_number_is_typed(ses, user, admin_client: Client):
    chosen = [DomainFactory(owner=user).pk for _ in range(2)]
    bulk = {"action": "delete_selected", "_selected_action": chosen, "post": "yes"}
    for typed in ("", "delete 3 domains"):
        response = admin_client.post(DOMAINS, {**bulk, "typed": typed})
        assert asked_to_type(text(response)) == "delete 2 domains"
        assert "this is not what you were asked to type" in text(response)
    assert Domain.objects.live().count() == 2


def test_all_rows_of_a_list_are_deleted_only_if_their_number_is_typed(ses, user, admin_client: Client):
    chosen = [DomainFactory(owner=user).pk for _ in range(3)]
    bulk = {"action": "delete_selected", "_selected_action": chosen[:1], "select_across": "1", "post": "yes"}
    response = admin_client.post(DOMAINS, {**bulk, "typed": "delete 1 domain"})
    assert asked_to_type(text(response)) == "delete 3 domains"
    assert Domain.objects.live().count() == 3


def test_the_results_have_a_deletion_that_was_only_continued(ses, user, admin_client: Client):
    chosen = [DomainFactory(owner=user, name=f"{name}.example.com") for name in "ab"]
    DomainDeletion.objects.create(
        domain_id=chosen[0].pk, name=chosen[0].name, owner=user, requested_by="jo", request_id="earlier"
    )
    Domain.objects.filter(pk=chosen[0].pk).update(deleting_since=timezone.now())
    response, _ = delete_selected(admin_client, "domains.domain", chosen)
    shown = text(admin_client.get(response["Location"]))
    assert "2 domains" in shown
    assert "a.example.com" in shown


def test_without_permission_for_reports_the_outcome_is_a_message(ses, user, client: Client):
    domain = add_domain(owner=user, name="example.com").domain
    staff(client, "domains.view_domain", "domains.delete_domain")
    response, messages = confirm(client, deletion(domain))
    assert response["Location"] == DOMAINS
    went = "Deleted: example.com. SES has confirmed the deletion. This also deleted "
    assert messages == [("success", f"{went}0 blocked emails, 0 email addresses, 9 DNS records.")]


def test_with_ses_down_the_rows_are_deleted_and_a_warning_is_shown(ses, user, admin_client: Client, settings):
    domain = add_domain(owner=user, name="example.com").domain
    EmailAddressFactory(domain=domain)
    settings.SES_REQUEST_BUDGET = 0.3
    fail_calls(ses)
    response, messages = confirm(admin_client, deletion(domain))
    assert messages == []
    assert "SES clean-up is not finished." in text(admin_client.get(response["Location"]))
    assert not Domain.objects.exists()
    assert not EmailAddress.objects.exists()
    record = DomainDeletion.objects.get()
    assert "is recorded" in text(admin_client.get(url("domains.domaindeletion", "change", record.pk)))
    recover_and_run_worker(ses)
    assert (rules(ses), identities(ses)) == ({}, set())


def test_a_deletion_that_stopped_half_way_continues(ses, user, admin_client: Client):
    domain = add_domain(owner=user, name="example.com").domain
    DomainDeletion.objects.create(domain_id=domain.pk, name=domain.name, owner=user)
    Domain.objects.update(deleting_since=timezone.now())
    response, _ = post(admin_client, deletion(domain), post="yes")
    assert not Domain.objects.exists()
    assert "Deletion of example.com" in text(admin_client.get(response["Location"]))


def test_a_domain_deleted_meanwhile_is_reported_as_already_deleted(ses, user, admin_client: Client):
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


def test_nothing_is_deleted_by_get_or_without_the_permission(ses, user, client: Client):
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
