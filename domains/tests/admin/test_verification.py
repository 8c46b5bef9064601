"""The verification of a domain in the admin: what its page shows, checks on demand, and filters."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from domains.lifecycle.register import add_domain
from domains.models import DnsRecord, Domain, StatusChange
from domains.verification.rows import record_of
from inbound.tests.support.admin_site import messages_on, open_links, post, run_action, staff, text, url
from inbound.tests.support.aws import calls, fail_calls, keep_new_identities_pending, set_verification_status
from inbound.tests.support.factories import DomainFactory
from ses_integration.models import LedgerIdentity

pytestmark = pytest.mark.sqlite

DOMAINS = url("domains.domain", "changelist")
AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


@pytest.fixture
def added(user, ses, dns) -> Domain:
    """A domain whose records are not published."""
    keep_new_identities_pending(ses)
    domain = add_domain(owner=user, name="example.com").domain
    ses.clear_journal()
    return domain


def publish(dns, domain: Domain) -> None:
    dns.publish_records([record_of(domain.name, row) for row in domain.dns_records.all()])


def page(domain: Domain) -> str:
    return url("domains.domain", "change", domain.pk)


def dns_tab(domain: Domain) -> str:
    return f"{page(domain)}?tab=dns"


def check(client: Client, domain: Domain) -> list[tuple[str, str]]:
    response, messages = post(client, url("domains.domain", "check", domain.pk))
    assert (response.status_code, response["Location"]) == (302, page(domain))
    return messages


class TestPage:
    def test_it_says_why_the_domain_is_not_verified_and_when_it_is_checked(self, added, admin_client: Client):
        check(admin_client, added)
        Domain.objects.update(missing_since=AT, next_check=AT.replace(day=21))
        shown = text(admin_client.get(page(added)))
        assert "SES has not found the DNS records yet. It looks for 72 hours." in shown
        assert "2026-11-20 09:30:00 UTC" in shown
        assert "2026-11-21 09:30:00 UTC" in shown
        assert "no, it is only claimed" in shown
        assert "mail.example.com (Pending)" in shown
        assert "SES: never" not in shown

    def test_it_shows_each_dns_record_with_its_problem_and_a_link(self, added, dns, admin_client: Client):
        dns.publish("example.com", "MX", "5 mx.example.net.")
        check(admin_client, added)
        shown = text(admin_client.get(dns_tab(added)))
        assert "The MX record at example.com points to mx.example.net: replace it with" in shown
        links = open_links(admin_client, dns_tab(added))
        assert {url("domains.dnsrecord", "change", row.pk) for row in DnsRecord.objects.all()} <= links

    def test_it_shows_the_history_with_the_newest_change_first(self, added, ses, admin_client: Client):
        set_verification_status(ses, "example.com", "Success")
        check(admin_client, added)
        set_verification_status(ses, "example.com", "Failed")
        check(admin_client, added)
        shown = text(admin_client.get(page(added)))
        assert 0 < shown.index("verified → failed") < shown.index("pending → verified")
        assert "by verification at 2" in shown

    def test_it_points_to_older_changes(self, added, admin_client: Client):
        values = {"domain": added, "before": "pending", "after": "failed", "at": AT}
        StatusChange.objects.bulk_create([StatusChange(reason=f"reason {n};", **values) for n in range(51)])
        shown = text(admin_client.get(page(added)))
        assert ("reason 50;" in shown, "reason 1;" in shown, "reason 0;" in shown) == (True, True, False)
        assert f"GET /domains/{added.pk}/status-history" in shown

    def test_what_others_publish_is_escaped(self, added, admin_client: Client):
        DnsRecord.objects.update(state="wrong", problem="<b>points to</b>")
        StatusChange.objects.create(domain=added, before="pending", after="failed", reason="<i>why</i>", at=AT)
        assert "&lt;b&gt;points to&lt;/b&gt;" in admin_client.get(dns_tab(added)).content.decode()
        shown = admin_client.get(page(added)).content.decode()
        assert "&lt;i&gt;why&lt;/i&gt;" in shown

    def test_nothing_of_it_can_be_edited(self, added, admin_client: Client):
        StatusChange.objects.create(domain=added, before="pending", after="failed", reason="why", at=AT)
        before = Domain.objects.values().get(), StatusChange.objects.values().get()
        post(
            admin_client, page(added), status="verified", status_reason="", next_check="", reason="nothing", changes=""
        )
        assert (Domain.objects.values().get(), StatusChange.objects.values().get()) == before

    def test_a_proof_and_checks_that_have_ended_are_shown(self, added, admin_client: Client):
        Domain.objects.update(proven_at=AT, next_check=None)
        shown = text(admin_client.get(page(added)))
        assert "by a TXT record at 2026-11-20 09:30:00 UTC" in shown
        assert "none: ended" in shown

    def test_it_opens_for_a_domain_without_records_and_without_identity(self, ses, settings, admin_client: Client):
        settings.AWS_REGION = ""
        domain = DomainFactory()
        assert "none known yet" in text(admin_client.get(dns_tab(domain)))
        assert "SES: never, DNS: never" in text(admin_client.get(page(domain)))


class TestCheckNow:
    def test_the_button_checks_and_says_what_was_found(self, added, dns, ses, admin_client: Client):
        assert "Check now" in text(admin_client.get(page(added)))
        [(level, message)] = check(admin_client, added)
        assert (level, message) == (
            "warning",
            "Checked example.com: pending. SES has not found the DNS records yet. It looks for 72 hours. "
            "Missing or wrong: 5 required DNS records.",
        )
        publish(dns, added)
        set_verification_status(ses, "example.com", "Success")
        ses.clear_journal()
        assert check(admin_client, added) == [("success", "Checked example.com: verified.")]
        assert calls(ses) == ["GetEmailIdentity"]

    def test_what_could_not_be_asked_is_told(self, added, dns, ses, admin_client: Client, settings):
        settings.SES_REQUEST_BUDGET = 0.3
        dns.answers(".", "SERVFAIL")
        fail_calls(ses)
        [(level, message)] = check(admin_client, added)
        assert level == "warning"
        assert "SES could not be asked: AWS is throttling our calls." in message
        assert message.count("DNS could not be asked: The DNS server answered SERVFAIL.") == 1

    @pytest.mark.parametrize(
        ("status", "message"),
        [
            ("pending", "Checked example.com: pending. SES has answered TemporaryFailure."),
            ("verified", "Checked example.com: verified."),
        ],
    )
    def test_a_temporary_failure_of_ses_is_told_if_the_domain_is_not_verified(
        self, added, dns, ses, admin_client: Client, status, message
    ):
        publish(dns, added)
        Domain.objects.update(status=status, status_reason="")
        set_verification_status(ses, "example.com", "TemporaryFailure")
        assert [shown for _, shown in check(admin_client, added)] == [message]

    def test_selected_domains_are_checked_with_two_calls(self, user, ses, dns, admin_client: Client):
        names = ("a.example", "b.example", "c.example")
        domains = [add_domain(owner=user, name=name).domain for name in names]
        for domain in domains[:2]:
            publish(dns, domain)
        set_verification_status(ses, "c.example", "Failed")
        ses.clear_journal()
        _, messages = run_action(admin_client, "domains.domain", "check_now", domains)
        assert messages[0] == ("success", "Checked 2 domains: verified.")
        assert messages[1][1].startswith(
            "Checked c.example: failed. SES has not found the DNS records within 72 hours."
        )
        assert len(calls(ses)) == 2

    def test_one_page_of_domains_is_checked(self, user, ses, dns, admin_client: Client):
        domains = [Domain(owner=user, name=f"d{n}.example") for n in range(101)]
        Domain.objects.bulk_create(domains)
        _, messages = run_action(admin_client, "domains.domain", "check_now", domains)
        assert Domain.objects.exclude(status_reason="").count() == 100
        assert messages[-1] == (
            "warning",
            "Only the first 100 domains were checked. Select the others to check them, too.",
        )
        assert "and 90 more are not verified, or could not be checked." in [message for _, message in messages]

    def test_a_domain_that_is_being_deleted_is_not_checked(self, ses, admin_client: Client):
        domain = DomainFactory(deleting_since=timezone.now())
        ses.clear_journal()
        assert "Check now" not in text(admin_client.get(page(domain)))
        assert check(admin_client, domain) == [("error", "It is being deleted, so it was not checked.")]
        _, messages = run_action(admin_client, "domains.domain", "check_now", [domain])
        assert messages == [("info", "All selected domains are being deleted.")]
        assert calls(ses) == []

    def test_it_needs_post_and_the_permission_to_change(self, added, ses, admin_client: Client, client: Client):
        assert admin_client.get(url("domains.domain", "check", added.pk)).status_code == 405
        staff(client, "domains.view_domain")
        assert client.post(url("domains.domain", "check", added.pk)).status_code == 403
        assert "Check now" not in text(client.get(page(added)))
        assert calls(ses) == []

    def test_an_unknown_domain_is_told(self, ses, admin_client: Client):
        response = admin_client.post(url("domains.domain", "check", "indm_none"))
        assert response.status_code == 302
        assert [level for level, _ in messages_on(response)] == ["warning"]


def test_domains_that_will_lose_their_verification_are_found(user: User, ses, admin_client: Client):
    for name in ("complete.example", "lacking.example"):
        DomainFactory(owner=user, name=name)
    Domain.objects.filter(name="lacking.example").update(missing_since=AT)
    shown = admin_client.get(f"{DOMAINS}?status__exact=verified&missing_since__isempty=0").context["cl"].result_list
    assert [row.name for row in shown] == ["lacking.example"]


def test_lists_are_filtered_by_whether_checks_have_ended(user: User, ses, admin_client: Client):
    domains = {name: DomainFactory(owner=user, name=name) for name in ("ended.example", "planned.example")}
    DomainFactory(owner=user, name="deleting.example", deleting_since=timezone.now(), next_check=None)
    Domain.objects.filter(pk=domains["ended.example"].pk).update(next_check=None)
    for value in ("ended", "planned"):
        shown = admin_client.get(f"{DOMAINS}?checks={value}").context["cl"].result_list
        assert [row.name for row in shown] == [f"{value}.example"]


def test_the_mail_from_domain_is_the_one_of_ses_or_the_one_that_it_will_get(user: User, ses, admin_client: Client):
    domain = DomainFactory(owner=user, name="example.com")
    page = url("domains.domain", "change", domain.pk)
    assert "mail.example.com (" in text(admin_client.get(page))
    LedgerIdentity.objects.update(mail_from_domain="", ours=True)
    assert "mail.example.com (not set in SES yet)" in text(admin_client.get(page))
    # Somebody else created it, so it keeps what it has.
    LedgerIdentity.objects.update(ours=False)
    assert "mail.example.com (not set in SES yet)" not in text(admin_client.get(page))
