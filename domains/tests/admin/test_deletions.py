"""Deletions of domains in the admin: the report, the verification, and continuing one."""

from __future__ import annotations

import json
import re
from typing import Any

from django.test import Client
from django.utils import timezone

from domains.admin.deleted.reports import looks_again
from domains.deletion.proof import prove_deletions
from domains.deletion.service import delete_domain, resume_deletions
from domains.lifecycle.register import add_domain
from domains.models import DomainDeletion
from domains.sharing.service import share
from inbound.models import issue_key
from inbound.tests.support.admin_site import delete_selected, post, run_action, staff, text, url
from inbound.tests.support.aws import store_mail
from inbound.tests.support.factories import DnsRecordFactory, EmailAddressFactory, UserFactory, WorkerFactory
from ses_integration.aws import clients


def test_a_deletion_is_shown_with_its_verification(domain, ses, admin_client: Client):
    EmailAddressFactory(domain=domain, address="a@example.com")
    DnsRecordFactory(domain=domain, name="_amazonses.example.com", value="<token>")
    DnsRecordFactory(domain=domain, name="_dmarc.example.com", value="v=DMARC1; p=none")
    domain.delete()
    resume_deletions()
    record = DomainDeletion.objects.get()
    path = url("domains.domaindeletion", "change", record.pk)
    unverified = text(admin_client.get(path))
    assert "not verified yet" in unverified
    assert re.search(r'Verified at:</label>\s*<div class="readonly">-</div>', unverified)
    clients.ses("eu-west-1").create_receipt_rule(
        RuleSetName="inbound-email-rules", Rule={"Name": "theirs", "Enabled": True, "Recipients": ["example.com"]}
    )
    prove_deletions()
    shown = text(admin_client.get(path))
    assert re.search(r'Verified at:</label>\s*<div class="readonly">\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC', shown)
    assert "nothing of ours was found; rules of others receive mail for example.com: theirs" in shown
    assert "inbound-example.com-rule" in shown
    assert "_amazonses.example.com TXT <token>" in shown
    assert "_dmarc" not in shown
    assert f"s3://inbound-mail/{record.key_prefix}" in shown


def test_a_report_names_who_had_access(domain, ses, admin_client: Client):
    share(domain=domain, user=UserFactory(username="jo"), role="viewer")
    delete_domain(domain=domain, requested_by="me")
    shown = text(admin_client.get(url("domains.domaindeletion", "change", DomainDeletion.objects.get().pk)))
    assert re.search(r'Accounts that had access:</label>\s*<div class="readonly"><a href="[^"]+">jo</a></div>', shown)


def test_a_report_has_a_line_for_each_step_and_the_answer_of_the_api(ses, user, admin_client: Client, settings):
    domain = add_domain(owner=user, name="example.com").domain
    store_mail(f"{domain.key_prefix}mail")
    ses.add_faults({"service": "s3", "action": "ListObjectVersions", "fault": "access_denied", "times": None})
    record = delete_domain(domain=domain, requested_by="admin")
    page = admin_client.get(url("domains.domaindeletion", "change", record.pk))
    steps = {step.name: step for step in page.context["steps"]}
    assert list(steps) == ["Rules", "Identity", "Rows", "Received emails", "Stored mail"]
    assert (steps["Rules"].outcome, steps["Rules"].at[:2]) == ("Done", "20")
    stored = steps["Stored mail"]
    assert (stored.outcome, stored.tries, stored.what) == ("Pending", 1, "0 versions, 0 bytes")
    assert "permission" in stored.why
    assert stored.next_try.endswith(" UTC")
    assert "Pending: stored mail" in text(page)
    assert "No ses_worker is running, so nothing finishes this" in text(page)
    assert 'data-live="3"' in text(page)
    key = issue_key(owner=user, name="k")[1]
    answered = admin_client.get(f"/api/v2/deletions/{record.pk}", headers={"Authorization": f"Bearer {key}"})
    shown = json.loads(page.context["as_json"])
    assert shown == {name: value for name, value in answered.json().items() if name != "dns"}


def test_the_button_tries_an_unfinished_deletion_now(ses, user, admin_client: Client, settings):
    domain = add_domain(owner=user, name="example.com").domain
    settings.SES_REQUEST_BUDGET = 0
    record = delete_domain(domain=domain, requested_by="me")
    settings.SES_REQUEST_BUDGET = 60
    page, retry = (url("domains.domaindeletion", name, record.pk) for name in ("change", "retry"))
    assert "Try now" in text(admin_client.get(page))
    assert admin_client.get(retry).status_code == 405
    response, messages = post(admin_client, retry)
    assert (response["Location"], messages) == (page, [("success", "1 finished.")])
    assert "Try now" not in text(admin_client.get(page))


def test_trying_now_needs_the_permission(ses, user, client: Client, settings):
    domain = add_domain(owner=user, name="example.com").domain
    settings.SES_REQUEST_BUDGET = 0
    record = delete_domain(domain=domain, requested_by="me")
    staff(client, "domains.view_domaindeletion")
    assert "Try now" not in text(client.get(url("domains.domaindeletion", "change", record.pk)))
    assert client.post(url("domains.domaindeletion", "retry", record.pk)).status_code == 403


def test_leftovers_in_dns_are_looked_up_when_they_are_asked_for(ses, user, dns, admin_client: Client):
    domain = add_domain(owner=user, name="example.com").domain
    dns.publish("example.com", "MX", "10 inbound-smtp.eu-west-1.amazonaws.com.")
    record = delete_domain(domain=domain, requested_by="me")
    page = url("domains.domaindeletion", "change", record.pk)
    assert "Look up which records are still published" in text(admin_client.get(page))
    shown = text(admin_client.get(f"{page}?dns=1"))
    assert "MX example.com 10 inbound-smtp.eu-west-1.amazonaws.com" in shown
    assert 'data-copy="example.com"' in shown


def test_the_results_of_an_unknown_request_are_not_found(ses, admin_client: Client, client: Client):
    path = url("domains.domaindeletion", "results", "none")
    assert admin_client.get(path).status_code == 404
    staff(client, "domains.view_domain")
    assert client.get(path).status_code == 403


def test_read_only_records_cannot_be_changed(ses, user, admin_client: Client):
    record = add_domain(owner=user, name="example.com").domain.dns_records.all()[0]
    deleted = delete_domain(domain=add_domain(owner=user, name="example.org").domain, requested_by="me")
    rows: dict[str, Any] = {"domains.dnsrecord": record, "domains.domaindeletion": deleted}
    for model, row in rows.items():
        for path in (url(model, "add"), url(model, "change", row.pk), url(model, "delete", row.pk)):
            assert admin_client.post(path, {"post": "yes"}).status_code == 403, path
        delete_selected(admin_client, model, [row])
        assert type(row).objects.filter(pk=row.pk).exists()


def test_an_unfinished_deletion_can_be_retried(ses, user, admin_client: Client, settings):
    domain = add_domain(owner=user, name="example.com").domain
    settings.SES_REQUEST_BUDGET = 0
    record = delete_domain(domain=domain, requested_by="me")
    settings.SES_REQUEST_BUDGET = 60
    _, messages = run_action(admin_client, "domains.domaindeletion", "retry", [record])
    assert messages == [("success", "1 finished.")]
    record.refresh_from_db()
    assert record.finished_at is not None
    _, messages = run_action(admin_client, "domains.domaindeletion", "retry", [record])
    assert messages == [("info", "All selected deletions are already finished.")]


def test_a_failed_deletion_is_retried_before_its_next_attempt_is_due(ses, user, admin_client: Client, settings):
    domain = add_domain(owner=user, name="example.com").domain
    store_mail(f"{domain.key_prefix}mail")
    settings.SES_REQUEST_BUDGET = 0
    record = delete_domain(domain=domain, requested_by="me")
    settings.SES_REQUEST_BUDGET = 60
    ses.add_faults(
        {"service": "sesv2", "action": "DeleteEmailIdentity", "fault": "access_denied"},
        {"service": "s3", "action": "ListObjectVersions", "fault": "access_denied", "times": 2},
    )
    denied = "AWS does not allow s3:ListBucketVersions on inbound-mail; the credentials lack a permission."
    _, [(level, first)] = run_action(admin_client, "domains.domaindeletion", "retry", [record])
    assert level == "warning"
    assert first.startswith("example.com: Still pending: identity, stored mail. ")
    assert denied in first
    _, [(level, second)] = run_action(admin_client, "domains.domaindeletion", "retry", [record])
    assert level == "warning"
    assert second.startswith("example.com: Done now: identity. Still pending: stored mail. ")
    assert f"{denied} Next try " in second
    _, messages = run_action(admin_client, "domains.domaindeletion", "retry", [record])
    assert messages == [("success", "1 finished.")]


def test_nobody_is_said_to_look_again_while_no_worker_is_alive(db):
    report = DomainDeletion(look_again_at=timezone.now())
    assert looks_again(report).startswith("It is recorded, and waits: no ses_worker")
    WorkerFactory()
    assert looks_again(report).startswith("The worker looks again at ")
