"""The admin deletes exactly the plan that its confirmation page has shown."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from addresses.models import EmailAddress
from domains.models import Domain, DomainDeletion
from inbound.tests.support.admin_site import asked_to_type, messages_on, plan_token, post, text, url
from inbound.tests.support.aws import calls, fail_calls, store_mail
from inbound.tests.support.factories import BlockedEmailFactory, DnsRecordFactory, EmailAddressFactory

CHANGED = "Nothing was deleted: the plan has changed since you saw it. The new plan is below."
UNPLANNED = "Nothing was deleted: the request carried no plan. The plan is below; confirm it there."
NOT_TYPED = "Nothing was deleted: this is not what you were asked to type."
USED = "Nothing was done: this plan was already used, or someone else started the deletion. Its current state is below."
DOUBT = '<p class="doubt'


@pytest.fixture
def address(domain, ses):
    row = EmailAddressFactory(domain=domain, address="a@example.com")
    ses.clear_journal()
    return row


def asked(client: Client, model: str, row) -> tuple[str, str]:
    path = url(model, "delete", row.pk)
    return path, text(client.get(path))


def test_a_domain_is_deleted_with_the_plan_that_was_shown(address, domain, admin_client: Client):
    path, page = asked(admin_client, "domains.domain", domain)
    # Mail arrives by itself, so it does not change the plan.
    store_mail(f"{domain.key_prefix}mail")
    response, _ = post(admin_client, path, post="yes", plan=plan_token(page), typed="example.com")
    assert response.status_code == 302
    assert DomainDeletion.objects.get().plan_token == plan_token(page)


def test_a_plan_that_has_changed_is_shown_again(address, domain, ses, admin_client: Client):
    path, page = asked(admin_client, "domains.domain", domain)
    for change, news in (
        (lambda: BlockedEmailFactory(domain=domain), "1 blocked email, 1 email address"),
        (lambda: DnsRecordFactory(domain=domain), "1 blocked email, 1 email address, 1 DNS record"),
    ):
        change()
        response = admin_client.post(path, {"post": "yes", "plan": plan_token(page), "typed": "example.com"})
        assert (response.status_code, messages_on(response)) == (200, [("warning", CHANGED)])
        page = text(response)
        assert news in page
    assert Domain.objects.live().filter(pk=domain.pk).exists()
    assert calls(ses) == []
    assert admin_client.post(path, {"post": "yes", "plan": plan_token(page), "typed": "example.com"}).status_code == 302
    assert not Domain.objects.exists()


def test_an_address_is_deleted_with_the_plan_that_was_shown(address, domain, ses, admin_client: Client):
    path, page = asked(admin_client, "addresses.emailaddress", address)
    assert "Receipt rule inbound-example.com-rule is deleted: a@example.com." in page
    EmailAddressFactory(domain=domain, address="b@example.com")
    response = admin_client.post(path, {"post": "yes", "plan": plan_token(page), "typed": "a@example.com"})
    assert (response.status_code, messages_on(response)) == (200, [("warning", CHANGED)])
    assert "loses a@example.com, and then has 1 recipient." in text(response)
    _, messages = post(admin_client, path, post="yes", plan=plan_token(text(response)), typed="a@example.com")
    assert messages == [("success", "Deleted: a@example.com. SES has confirmed the deletion.")]
    assert [row.address for row in EmailAddress.objects.all()] == ["b@example.com"]


def test_a_made_up_token_deletes_nothing(address, domain, admin_client: Client):
    for model, row in (("domains.domain", domain), ("addresses.emailaddress", address)):
        response = admin_client.post(
            url(model, "delete", row.pk), {"post": "yes", "plan": "made up", "typed": str(row)}
        )
        assert messages_on(response) == [("warning", CHANGED)]
    assert EmailAddress.objects.exists()


def test_without_a_token_nothing_is_deleted_and_the_plan_is_shown(address, domain, ses, admin_client: Client):
    for model, row in (("domains.domain", domain), ("addresses.emailaddress", address)):
        path = url(model, "delete", row.pk)
        response = admin_client.post(path, {"post": "yes"})
        assert (response.status_code, messages_on(response)) == (200, [("warning", UNPLANNED)])
        assert text(admin_client.get(path)).count(plan_token(text(response))) == 1
    assert EmailAddress.objects.exists()
    assert Domain.objects.live().exists()
    assert calls(ses) == []


def test_a_token_does_not_continue_a_running_deletion(address, domain, ses, admin_client: Client, settings):
    path, page = asked(admin_client, "domains.domain", domain)
    DomainDeletion.objects.create(
        domain_id=domain.pk, name=domain.name, owner=domain.owner, plan_token=plan_token(page)
    )
    Domain.objects.update(deleting_since=timezone.now())
    response = admin_client.post(path, {"post": "yes", "plan": plan_token(page), "typed": "example.com"})
    assert (response.status_code, messages_on(response)) == (200, [("warning", USED)])
    assert calls(ses) == []
    assert "The deletion of this domain has begun; confirming continues it." in text(response)
    assert 'name="plan"' not in text(response)
    assert admin_client.post(path, {"post": "yes"}).status_code == 302
    assert not Domain.objects.exists()


def test_a_token_confirms_only_one_deletion(address, domain, ses, admin_client: Client):
    path, page = asked(admin_client, "domains.domain", domain)
    admin_client.post(path, {"post": "yes", "plan": plan_token(page), "typed": "example.com"})
    ses.clear_journal()
    _, messages = post(admin_client, path, post="yes", plan=plan_token(page), typed="example.com")
    assert messages[-1] == ("error", "This domain has already been deleted.")
    assert DomainDeletion.objects.count() == 1
    assert calls(ses) == []


def test_the_page_shows_what_another_rule_set_may_still_hold(address, domain, admin_client: Client, settings):
    settings.SES_RULE_SET = "another"
    for model, row in (("domains.domain", domain), ("addresses.emailaddress", address)):
        _, page = asked(admin_client, model, row)
        assert "A previously configured region or rule set may still receive mail for this name" in page
        assert f"{DOUBT} severe" in page


def test_nothing_is_deleted_unless_the_name_is_typed(address, domain, ses, admin_client: Client):
    for model, row in (("domains.domain", domain), ("addresses.emailaddress", address)):
        path, page = asked(admin_client, model, row)
        assert asked_to_type(page) == str(row)
        for typed in ("", "yes", f"{row}m"):
            response = admin_client.post(path, {"post": "yes", "plan": plan_token(page), "typed": typed})
            assert (response.status_code, messages_on(response)) == (200, [("warning", NOT_TYPED)])
    assert EmailAddress.objects.exists()
    assert calls(ses) == []
    path, page = asked(admin_client, "domains.domain", domain)
    assert admin_client.post(path, {"plan": plan_token(page), "typed": " EXAMPLE.com "}).status_code == 302
    assert not Domain.objects.exists()


def test_what_dns_did_not_say_is_amber_and_what_s3_did_not_say_is_red(address, domain, ses, dns, admin_client: Client):
    DnsRecordFactory(
        domain=domain, record_type="MX", name="example.com", value="10 inbound-smtp.eu-west-1.amazonaws.com"
    )
    dns.answers(".", "SERVFAIL")
    page = asked(admin_client, "domains.domain", domain)[1]
    assert f'{DOUBT}">DNS: 1 record could not be looked up. The DNS server answered SERVFAIL.' in page
    assert f"{DOUBT} severe" not in page
    ses.add_faults({"service": "s3", "action": "*", "fault": "access_denied", "times": None})
    assert (
        f'{DOUBT} severe">Stored mail: its size could not be looked up.'
        in asked(admin_client, "domains.domain", domain)[1]
    )


def test_the_page_says_if_ses_refuses_calls(address, domain, ses, admin_client: Client, settings):
    settings.SES_REQUEST_BUDGET = 0.3
    fail_calls(ses)
    EmailAddressFactory(domain=domain, address="b@example.com")
    for model, row in (("domains.domain", domain), ("addresses.emailaddress", address)):
        page = asked(admin_client, model, row)[1]
        assert f'{DOUBT} severe">SES: it has refused calls since 2' in page
        assert "No ses_worker is running to do it: start one." in page


def test_the_page_shows_what_could_not_be_looked_up(address, domain, ses, dns, admin_client: Client):
    assert DOUBT not in asked(admin_client, "domains.domain", domain)[1]
    ses.add_faults({"service": "s3", "action": "*", "fault": "access_denied", "times": None})
    assert DOUBT in asked(admin_client, "domains.domain", domain)[1]
    assert DOUBT not in asked(admin_client, "addresses.emailaddress", address)[1]


def test_the_page_says_how_long_a_deletion_that_begins_now_can_be_undone(
    address, domain, admin_client: Client, settings
):
    settings.DOMAIN_DELETE_GRACE_DAYS = 30
    assert "This can be undone for 30 days." in asked(admin_client, "domains.domain", domain)[1]
    settings.DOMAIN_DELETE_GRACE_DAYS = 0
    assert "This cannot be undone." in asked(admin_client, "domains.domain", domain)[1]
    # It has begun already.
    settings.DOMAIN_DELETE_GRACE_DAYS = 30
    Domain.objects.update(deleting_since=timezone.now())
    assert "This cannot be undone." in asked(admin_client, "domains.domain", domain)[1]
